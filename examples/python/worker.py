#!/usr/bin/env python3
"""A worker of one's own: offers the activity `word_count`; README.md shows it at work.

To offer your own, write a function (input, task) -> result and name it in ACTIVITIES.
What it raises is the attempt's failure; the run tries again.
"""
import json
import os
import queue
import sys
import threading
import time
import uuid

import grpc

sys.path.append(os.environ.get("ANABRANCH_STUBS", os.path.dirname(os.path.abspath(__file__)) + "/stubs"))
from anabranch.v1 import activity_service_pb2_grpc, worker_stream_pb2 as pb


def word_count(input, task):
    return {"words": len(input["text"].split())}


ACTIVITIES = {"word_count": word_count}


class Worker:
    """Holds each result until the server has it on disk; worker_stream.proto tells the rules."""

    def __init__(self, activities, slots=4, label="python"):
        self.activities, self.slots, self.label = activities, slots, label
        self.session = uuid.uuid4().hex  # one life of this process
        self.outcomes = {}  # by token: what came of the task, None while it runs

    def run(self, address):
        while True:  # the same session comes back and names what it runs and holds
            try:
                with grpc.insecure_channel(address) as channel:
                    self.outbox, pieces = queue.Queue(), {}
                    stub = activity_service_pb2_grpc.ActivityServiceStub(channel)
                    for frame in stub.Connect(self.frames(self.outbox)):
                        for message in frame.messages:
                            self.receive(message, pieces)
            except grpc.RpcError as error:
                print(f"no connection to {address}: {error.details()}", file=sys.stderr)
            time.sleep(0.2)

    def frames(self, outbox):
        hello = pb.Hello(session=self.session, label=self.label, activity_types=self.activities,
                         slots=self.slots, protocol_version=1)
        for token, outcome in list(self.outcomes.items()):
            (hello.held_tokens if outcome else hello.running_tokens).append(token)
        message = pb.WorkerMessage(hello=hello)
        while True:
            yield pb.ConnectRequest(messages=[message])
            try:
                message = outbox.get(timeout=0.5)
            except queue.Empty:  # a sign of life
                message = pb.WorkerMessage(beat=pb.Beat())

    def receive(self, message, pieces):
        kind, piece = message.WhichOneof("kind"), message.fragment
        if kind == "fragment":  # what is larger than 64 KiB comes in pieces
            pieces[piece.transfer_id] = pieces.get(piece.transfer_id, b"") + piece.data
            if piece.last:
                self.receive(pb.ServerMessage.FromString(pieces.pop(piece.transfer_id)), pieces)
        elif kind == "welcome":
            for verdict in message.welcome.verdicts:
                if verdict.kind in (pb.VERDICT_KIND_RECORDED, pb.VERDICT_KIND_DROP):
                    self.outcomes.pop(verdict.token, None)
            for outcome in filter(None, list(self.outcomes.values())):
                self.outbox.put(outcome)
            self.outbox.put(pb.WorkerMessage(credit=pb.Credit(count=self.slots - len(self.outcomes))))
        elif kind == "task":
            token = message.task.token
            self.outbox.put(pb.WorkerMessage(task_accepted=pb.TaskAccepted(token=token)))
            if token not in self.outcomes:
                self.outcomes[token] = None
                threading.Thread(target=self.carry_out, args=(message.task,), daemon=True).start()
        elif kind in ("recorded", "refused"):
            if self.outcomes.pop(getattr(message, kind).token, None):
                self.outbox.put(pb.WorkerMessage(credit=pb.Credit(count=1)))

    def carry_out(self, task):
        outcome = pb.WorkerMessage()
        try:
            result = self.activities[task.activity_type](json.loads(task.input.json_text or "null"), task)
            outcome.completed.token, outcome.completed.result.json_text = task.token, json.dumps(result)
        except Exception as error:
            outcome.failed.token = task.token
            outcome.failed.failure.type, outcome.failed.failure.message = type(error).__name__, str(error)
            outcome.failed.failure.retryable = True
        self.outcomes[task.token] = outcome
        self.outbox.put(outcome)


if __name__ == "__main__":
    Worker(ACTIVITIES).run(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7400")
