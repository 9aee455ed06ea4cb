#!/usr/bin/env node
// A worker of one's own: offers the activity `word_count`; README.md shows it at
// work. To offer your own, write a function (input, task) => result, async or
// not. What it throws is the attempt's failure; the run tries again.
'use strict';
const crypto = require('node:crypto');
const {grpc, serverMessage, v1} = require('./anabranch');

const activities = {
  word_count: (input) => ({words: input.text.split(/\s+/).filter(Boolean).length}),
};

// Holds each result until the server has it on disk; worker_stream.proto tells
// the rules.
class Worker {
  constructor(activities, slots = 4, label = 'node') {
    this.activities = activities;
    this.slots = slots;
    this.label = label;
    this.session = crypto.randomUUID();  // one life of this process
    this.outcomes = new Map();  // by token: what came of the task, null while it runs
  }

  run(address) {  // the same session comes back and names what it runs and holds
    const client = new v1.ActivityService(address, grpc.credentials.createInsecure());
    const stream = this.stream = client.Connect();
    this.pieces = {};
    const beats = setInterval(() => this.send({beat: {}}), 500);
    stream.on('data', (frame) => frame.messages.forEach((message) => this.receive(message)));
    stream.on('error', (error) => console.error(`no connection to ${address}: ${error.details}`));
    stream.on('status', () => {  // the stream is over
      clearInterval(beats);
      client.close();
      setTimeout(() => this.run(address), 200);
    });
    const tokens = [...this.outcomes.keys()];
    this.send({hello: {
      session: this.session, label: this.label, slots: this.slots, protocol_version: 1,
      activity_types: Object.keys(this.activities),
      running_tokens: tokens.filter((token) => !this.outcomes.get(token)),
      held_tokens: tokens.filter((token) => this.outcomes.get(token)),
    }});
  }

  send(message) {
    this.stream.write({messages: [message]});
  }

  receive(message) {
    if (message.kind === 'fragment') {  // what is larger than 64 KiB comes in pieces
      const {transfer_id, data, last} = message.fragment;
      const pieces = this.pieces[transfer_id] = [...this.pieces[transfer_id] ?? [], data];
      if (!last) return;
      delete this.pieces[transfer_id];
      this.receive(serverMessage(pieces));
    } else if (message.kind === 'welcome') {
      for (const {token, kind} of message.welcome.verdicts) {
        if (kind === 'VERDICT_KIND_RECORDED' || kind === 'VERDICT_KIND_DROP') this.outcomes.delete(token);
      }
      for (const outcome of this.outcomes.values()) if (outcome) this.send(outcome);
      this.send({credit: {count: this.slots - this.outcomes.size}});
    } else if (message.kind === 'task') {
      const {token} = message.task;
      this.send({task_accepted: {token}});
      if (this.outcomes.has(token)) return;
      this.outcomes.set(token, null);
      this.carryOut(message.task);
    } else if (message.kind === 'recorded' || message.kind === 'refused') {
      if (this.outcomes.get(message[message.kind].token)) {
        this.outcomes.delete(message[message.kind].token);
        this.send({credit: {count: 1}});
      }
    }
  }

  async carryOut(task) {
    let outcome;
    try {
      const result = await this.activities[task.activity_type](JSON.parse(task.input.json_text || 'null'), task);
      outcome = {completed: {token: task.token, result: {json_text: JSON.stringify(result)}}};
    } catch (error) {
      outcome = {failed: {token: task.token, failure: {type: error.name, message: error.message, retryable: true}}};
    }
    this.outcomes.set(task.token, outcome);
    this.send(outcome);
  }
}

module.exports = {Worker};
if (require.main === module) new Worker(activities).run(process.argv[2] || '127.0.0.1:7400');
