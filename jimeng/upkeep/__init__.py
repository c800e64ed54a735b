"""What cleans up in the background: after dead processes, the trash, old records."""

from jimeng.jobs import periodic_tasks
from jimeng.jobs.periodic_tasks import Group
from jimeng.upkeep import (
    input_cleanup,
    janitor,
    purge,
    record_retention,
    repair,
    retention,
)

periodic_tasks.add("plans", 10.0, janitor.backfill_all_generations)
periodic_tasks.add("mending", 60.0, repair.repair)
periodic_tasks.add("deletions", 15.0, janitor.finish_deletions, Group.STORE)
periodic_tasks.add("trash", 30.0, purge.empty_trash, Group.STORE)
periodic_tasks.add("retention", 60.0, retention.apply_limits, Group.STORE)
periodic_tasks.add("records", 60.0, record_retention.apply_limits, Group.STORE)
periodic_tasks.add("room", 10.0, retention.watch_disk, Group.STORE)
periodic_tasks.add("unserved", 60.0, janitor.fail_unserved)
periodic_tasks.add("refused", 60.0, janitor.fail_refused)
periodic_tasks.add("files", 60.0, janitor.sweep_files, Group.STORE)
periodic_tasks.add("inputs", 30.0, input_cleanup.sweep_inputs, Group.STORE)
periodic_tasks.add("input files", 60.0, input_cleanup.sweep_files, Group.STORE)
periodic_tasks.add("owners of tasks", 60.0, janitor.name_owners)
