// The example's worker with an activity that waits for a file, so that a test
// has a task in flight for as long as it likes: gate_worker.js ADDRESS.
'use strict';
const fs = require('node:fs');
const {setTimeout: sleep} = require('node:timers/promises');
const {Worker} = require(`${process.env.ANABRANCH_EXAMPLE}/worker.js`);

async function gate(input, task) {
  fs.appendFileSync(input.begun, `${task.attempt}\n`);
  while (!fs.existsSync(input.gate)) await sleep(10);
  return {attempt: task.attempt, kept: input.keep};
}

new Worker({gate}, 4, 'gate').run(process.argv[2]);
