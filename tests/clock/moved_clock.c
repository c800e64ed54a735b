/*
 * A library to preload: its process, and the processes that it starts, see another day.
 *
 * CLOCK_OFFSET_S, in the environment, is added to whatever is read from the real-time
 * clock and to the times of files, and taken off whatever is given back to the kernel as
 * a time of that clock. Monotonic clocks, and everything relative, are left alone.
 * Nothing is shared between processes and nothing is locked.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

/* The real function of that name; looked up once, by whichever thread comes first. */
#define REAL(name)                                                            \
  static __typeof__(&name) real_##name;                                       \
  if (!real_##name) real_##name = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static time_t offset_s;

__attribute__((constructor)) static void begin(void) {
  const char *given = getenv("CLOCK_OFFSET_S");
  if (given) offset_s = atoll(given);
}

static int is_real_time(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
         clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM;
}

/*
 * The same instant by the kernel's clock. Some waits do not say which clock their
 * deadline is of; thirty years are more than a machine is up, and before the other's now.
 */
static struct timespec kernel_time(const struct timespec *moved) {
  struct timespec real = *moved;
  if (real.tv_sec > 1000000000) real.tv_sec -= offset_s;
  return real;
}

/* Reading the clock. */

int clock_gettime(clockid_t clock, struct timespec *now) {
  REAL(clock_gettime);
  int failed = real_clock_gettime(clock, now);
  if (!failed && is_real_time(clock)) now->tv_sec += offset_s;
  return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  REAL(gettimeofday);
  int failed = real_gettimeofday(now, zone);
  if (!failed) now->tv_sec += offset_s;
  return failed;
}

time_t time(time_t *stored) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (stored) *stored = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *now, int base) {
  if (base != TIME_UTC) return 0;
  return clock_gettime(CLOCK_REALTIME, now) ? 0 : base;
}

/* Waiting until a time. */

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                    struct timespec *left) {
  REAL(clock_nanosleep);
  if (!(flags & TIMER_ABSTIME) || !is_real_time(clock))
    return real_clock_nanosleep(clock, flags, until, left);
  struct timespec real = kernel_time(until);
  return real_clock_nanosleep(clock, flags, &real, left);
}

#define WAIT(name, type)                                                      \
  int name(type *waited_for, const struct timespec *until) {                  \
    REAL(name);                                                               \
    struct timespec real = kernel_time(until);                                \
    return real_##name(waited_for, &real);                                    \
  }

#define CLOCK_WAIT(name, type)                                                \
  int name(type *waited_for, clockid_t clock, const struct timespec *until) { \
    REAL(name);                                                               \
    struct timespec real = kernel_time(until);                                \
    return real_##name(waited_for, clock, &real);                             \
  }

WAIT(sem_timedwait, sem_t)
WAIT(pthread_mutex_timedlock, pthread_mutex_t)
WAIT(pthread_rwlock_timedrdlock, pthread_rwlock_t)
WAIT(pthread_rwlock_timedwrlock, pthread_rwlock_t)
CLOCK_WAIT(sem_clockwait, sem_t)
CLOCK_WAIT(pthread_mutex_clocklock, pthread_mutex_t)

/* The default is a version of 1997 with other condition variables. */
static void *condition_wait(const char *name) {
  void *found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
  return found ? found : dlsym(RTLD_NEXT, name);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until) {
  static __typeof__(&pthread_cond_timedwait) real_wait;
  if (!real_wait) real_wait = condition_wait("pthread_cond_timedwait");
  struct timespec real = kernel_time(until);
  return real_wait(condition, mutex, &real);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           clockid_t clock, const struct timespec *until) {
  REAL(pthread_cond_clockwait);
  struct timespec real = kernel_time(until);
  return real_pthread_cond_clockwait(condition, mutex, clock, &real);
}

int timerfd_settime(int timer, int flags, const struct itimerspec *next,
                    struct itimerspec *before) {
  REAL(timerfd_settime);
  struct itimerspec real = *next;
  if (flags & TFD_TIMER_ABSTIME) real.it_value = kernel_time(&next->it_value);
  return real_timerfd_settime(timer, flags, &real, before);
}

/* The times of files: read, and set. */

#define MOVE_STAT(name, type, signature, call)                                \
  int name signature {                                                        \
    REAL(name);                                                               \
    int failed = real_##name call;                                            \
    if (!failed) {                                                            \
      found->st_atim.tv_sec += offset_s;                                      \
      found->st_mtim.tv_sec += offset_s;                                      \
      found->st_ctim.tv_sec += offset_s;                                      \
    }                                                                         \
    return failed;                                                            \
  }

#define STATS(suffix)                                                              \
  MOVE_STAT(stat##suffix, stat##suffix,                                            \
            (const char *restrict path, struct stat##suffix *restrict found),      \
            (path, found))                                                         \
  MOVE_STAT(lstat##suffix, stat##suffix,                                           \
            (const char *restrict path, struct stat##suffix *restrict found),      \
            (path, found))                                                         \
  MOVE_STAT(fstat##suffix, stat##suffix, (int file, struct stat##suffix *found),   \
            (file, found))                                                         \
  MOVE_STAT(fstatat##suffix, stat##suffix,                                         \
            (int folder, const char *restrict path,                                \
             struct stat##suffix *restrict found, int flags),                      \
            (folder, path, found, flags))

STATS()
STATS(64)

int statx(int folder, const char *restrict path, int flags, unsigned int mask,
          struct statx *restrict found) {
  REAL(statx);
  int failed = real_statx(folder, path, flags, mask, found);
  if (!failed) {
    found->stx_atime.tv_sec += offset_s;
    found->stx_mtime.tv_sec += offset_s;
    found->stx_ctime.tv_sec += offset_s;
    found->stx_btime.tv_sec += offset_s;
  }
  return failed;
}

/* Access and modification time, as the kernel has them; NULL stays: it is now. */
static const struct timespec *kernel_times(const struct timespec *moved,
                                           struct timespec *real) {
  if (!moved) return NULL;
  for (int i = 0; i < 2; i++) {
    real[i] = moved[i];
    if (moved[i].tv_nsec != UTIME_NOW && moved[i].tv_nsec != UTIME_OMIT)
      real[i].tv_sec -= offset_s;
  }
  return real;
}

int utimensat(int folder, const char *path, const struct timespec times[2],
              int flags) {
  REAL(utimensat);
  struct timespec real[2];
  return real_utimensat(folder, path, kernel_times(times, real), flags);
}

int futimens(int file, const struct timespec times[2]) {
  REAL(futimens);
  struct timespec real[2];
  return real_futimens(file, kernel_times(times, real));
}
