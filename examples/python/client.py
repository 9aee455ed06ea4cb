#!/usr/bin/env python3
"""What a program does with runs: start, watch, signal, cancel, await, read errors.

    ./generate.sh && ./client.py 127.0.0.1:7400
"""
import os
import sys
import uuid

import grpc
from google.protobuf import json_format

sys.path.append(os.environ.get("ANABRANCH_STUBS", os.path.dirname(os.path.abspath(__file__)) + "/stubs"))
from anabranch.v1 import run_pb2, run_service_pb2 as pb, run_service_pb2_grpc
from google.rpc import error_details_pb2, status_pb2


def details_of(error):
    """The google.rpc messages that an error carries, by their name."""
    found = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                name = detail.type_url.rsplit(".", 1)[-1]
                message = getattr(error_details_pb2, name)()
                detail.Unpack(message)
                found[name] = json_format.MessageToDict(message)
    return found


def start(runs, flow, input, **more):
    """Starts a run. Asked again with the same request_id, it is the same run."""
    request = pb.StartRunRequest(flow=flow, request_id=str(uuid.uuid4()), **more)
    json_format.ParseDict({"json": input}, request.input)
    return runs.StartRun(request).run


def result_of(runs, run_id):
    """Waits for the end; a failed run is an answer, not an error."""
    while True:
        answer = runs.AwaitRun(pb.AwaitRunRequest(run_id=run_id))
        if answer.done:
            return answer.run


def watch(runs, run_id):
    """Prints each event; after a broken connection it goes on where it was."""
    cursor = ""
    while True:
        try:
            for message in runs.WatchRun(pb.WatchRunRequest(run_id=run_id, cursor=cursor)):
                cursor = message.cursor
                kind = message.WhichOneof("kind")
                if kind == "event":
                    print(f"  event {message.event.event_id}: {message.event.WhichOneof('attributes')}")
                elif kind == "final_run":
                    return message.final_run
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise


def state_name(run):
    return run_pb2.RunState.Name(run.state).removeprefix("RUN_STATE_")


def main(address):
    with grpc.insecure_channel(address) as channel:
        runs = run_service_pb2_grpc.RunServiceStub(channel)

        waiting = start(runs, "wait_for_signal", {"signal": "go"})
        runs.SignalRun(pb.SignalRunRequest(run_id=waiting.run_id, signal="go", request_id=str(uuid.uuid4()),
                                           input={"json_text": '{"with":"a value"}'}))
        ended = watch(runs, waiting.run_id)
        print(f"signalled: {state_name(ended)} {json_format.MessageToDict(ended.result)['json']}")

        sleeping = start(runs, "sleep", {"seconds": 3600})
        runs.CancelRun(pb.CancelRunRequest(run_id=sleeping.run_id, reason="no time"))
        print(f"cancelled: {state_name(result_of(runs, sleeping.run_id))}")

        try:
            start(runs, "sleep", {"seconds": "long"})
        except grpc.RpcError as error:
            field = details_of(error)["BadRequest"]["fieldViolations"][0]
            print(f"refused: {error.code().name} {details_of(error)['ErrorInfo']['reason']} {field['field']}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7400")
