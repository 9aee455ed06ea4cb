#!/usr/bin/env node
// What a program does with runs: start, watch, signal, cancel, await, read
// errors.
'use strict';
const crypto = require('node:crypto');
const {promisify} = require('node:util');
const {grpc, v1, detailsOf} = require('./anabranch');

async function main(address) {
  const runs = new v1.RunService(address, grpc.credentials.createInsecure());
  const call = (method, request) => promisify(runs[method]).call(runs, request);

  // Asked again with the same request_id, it is the same run.
  const start = async (flow, input) =>
    (await call('StartRun', {flow, input: {json_text: JSON.stringify(input)}, request_id: crypto.randomUUID()})).run;

  // Waits for the end; a failed run is an answer, not an error.
  const resultOf = async (run_id) => {
    for (;;) {
      const {done, run} = await call('AwaitRun', {run_id});
      if (done) return run;
    }
  };

  // Prints each event; after a broken connection it goes on where it was.
  const watch = async (run_id) => {
    for (let cursor = ''; ;) {
      try {
        for await (const message of runs.WatchRun({run_id, cursor})) {
          cursor = message.cursor;
          if (message.kind === 'event') console.log(`  event ${message.event.event_id}: ${message.event.attributes}`);
          if (message.kind === 'final_run') return message.final_run;
        }
      } catch (error) {
        if (error.code !== grpc.status.UNAVAILABLE) throw error;
      }
    }
  };
  const state = (run) => run.state.replace('RUN_STATE_', '');

  const waiting = await start('wait_for_signal', {signal: 'go'});
  await call('SignalRun', {run_id: waiting.run_id, signal: 'go', request_id: crypto.randomUUID(),
                           input: {json_text: '{"with":"a value"}'}});
  const ended = await watch(waiting.run_id);
  console.log(`signalled: ${state(ended)} ${ended.result.json.structValue.fields.with.stringValue}`);

  const sleeping = await start('sleep', {seconds: 3600});
  await call('CancelRun', {run_id: sleeping.run_id, reason: 'no time'});
  console.log(`cancelled: ${state(await resultOf(sleeping.run_id))}`);

  try {
    await start('sleep', {seconds: 'long'});
  } catch (error) {
    const {BadRequest, ErrorInfo} = detailsOf(error);
    const [violation] = BadRequest.field_violations;
    console.log(`refused: ${grpc.status[error.code]} ${ErrorInfo.reason} ${violation.field}`);
  }
  runs.close();
}

main(process.argv[2] || '127.0.0.1:7400').catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
