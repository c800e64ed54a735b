"""``python -m jimeng.local.simulator``, as it was; goes with the next release."""

import sys

if __name__ == "__main__":
    sys.exit("the simulator is a program of its own: python -m simulator")
