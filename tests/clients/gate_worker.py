"""The example's worker with an activity that waits for a file, so that a test
has a task in flight for as long as it likes: gate_worker.py ADDRESS."""
import os
import sys
import time

sys.path.append(os.environ["ANABRANCH_EXAMPLE"])
import worker


def gate(input, task):
    with open(input["begun"], "a", encoding="utf-8") as begun:
        begun.write(f"{task.attempt}\n")
    while not os.path.exists(input["gate"]):
        time.sleep(0.01)
    return {"attempt": task.attempt, "kept": input["keep"]}


worker.Worker({"gate": gate}, label="gate").run(sys.argv[1])
