// Whether the official SDK takes fake_claude for the real thing:
// anthropic_sdk.js MODULE URL. Prints a line for each thing that holds; the
// first that does not ends it with exit code 1.
'use strict';
const assert = require('node:assert/strict');

const [module_, baseURL] = process.argv.slice(2);
const sdk = require(module_);
const Anthropic = sdk.default;
const model = 'claude-opus-5-5';
const ask = (content) => ({model, max_tokens: 500, messages: [{role: 'user', content}]});
const client = (options = {}) => new Anthropic({baseURL, apiKey: 'the-key', maxRetries: 0, ...options});

async function control(settings) {
  const answer = await fetch(`${baseURL}/control`, {method: 'POST', body: JSON.stringify(settings)});
  assert.equal(answer.status, 200, await answer.text());
}
const fault = (settings) => control({faults: [settings]});

async function calls() {
  return (await (await fetch(`${baseURL}/ledger`)).json()).calls;
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail('it did not fail');
}

const tests = {
  async create() {
    const message = await client().messages.create(ask('Hello'));
    assert.equal(message.type, 'message');
    assert.equal(message.role, 'assistant');
    assert.equal(message.model, model);
    assert.equal(message.stop_reason, 'end_turn');
    assert.ok(message.usage.output_tokens > 0);
    assert.deepEqual(message.content, JSON.parse((await calls()).at(-1).content));
  },

  async stream() {
    const stream = client().messages.stream(ask('Hello'));
    let text = '';
    stream.on('text', (delta) => text += delta);
    const message = await stream.finalMessage();
    assert.equal(text, message.content.filter(({type}) => type === 'text').map((block) => block.text).join(''));
    assert.ok(text.length > 0);
    assert.deepEqual(message.content, JSON.parse((await calls()).at(-1).content));
  },

  async tool_use() {
    await control({answers: [{answer: {content: [
      {type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {command: 'ls'}}]}}]});
    const message = await client().messages.stream({
      ...ask('List files'),
      tools: [{name: 'Bash', input_schema: {type: 'object', properties: {command: {type: 'string'}}}}],
    }).finalMessage();
    assert.equal(message.stop_reason, 'tool_use');
    assert.deepEqual(message.content[0].input, {command: 'ls'});
  },

  async count_tokens() {
    const {input_tokens} = await client().messages.countTokens({model, messages: ask('Hello').messages});
    assert.ok(input_tokens > 0);
  },

  async models() {
    const ids = [];
    for await (const {id} of client().models.list()) ids.push(id);
    assert.ok(ids.includes(model), ids.join(' '));
    assert.equal((await client().models.retrieve(model)).id, model);
  },

  async refusals() {
    const bad = await failure(client().messages.create({...ask('Hello'), max_tokens: -1}));
    assert.ok(bad instanceof sdk.BadRequestError, bad);
    assert.equal(bad.error.error.type, 'invalid_request_error');
    assert.match(bad.message, /max_tokens/);
    assert.match(bad.requestID, /^req_/);
    const wrong = await failure(client({apiKey: 'another'}).messages.create(ask('Hello')));
    assert.ok(wrong instanceof sdk.AuthenticationError, wrong);
    const unknown = await failure(client().messages.create({...ask('Hello'), model: 'claude-none'}));
    assert.ok(unknown instanceof sdk.NotFoundError, unknown);
  },

  async each_status() {
    const classes = {
      400: 'BadRequestError', 401: 'AuthenticationError', 403: 'PermissionDeniedError', 404: 'NotFoundError',
      429: 'RateLimitError', 500: 'InternalServerError', 529: 'APIError',
    };
    for (const [status, name] of Object.entries(classes)) {
      await fault({status: Number(status), type: 'some_error', message: 'as asked'});
      const error = await failure(client().messages.create(ask('Hello')));
      assert.ok(error instanceof sdk[name], `${status}: ${error}`);
      assert.equal(error.status, Number(status));
      assert.equal(error.error.error.type, 'some_error');
    }
  },

  async retries() {
    await fault({status: 529, times: 2, retry_after_ms: 1});
    const before = (await calls()).length;
    const message = await client({maxRetries: 2}).messages.create(ask('Hello'));
    assert.equal(message.stop_reason, 'end_turn');
    const outcomes = (await calls()).slice(before).map(({outcome}) => outcome);
    assert.deepEqual(outcomes, ['error:529', 'error:529', 'finished']);
  },

  async no_retry_when_told() {
    await fault({status: 529, should_retry: false});
    const before = (await calls()).length;
    await failure(client({maxRetries: 2}).messages.create(ask('Hello')));
    assert.equal((await calls()).length, before + 1);
  },

  async error_in_the_stream() {
    await fault({kind: 'error_event', type: 'overloaded_error', after: 2});
    const error = await failure(client().messages.stream(ask('Hello')).finalMessage());
    assert.ok(error instanceof sdk.APIError, error);
    assert.match(JSON.stringify(error.error), /overloaded_error/);
  },

  async cut_streams() {
    for (const kind of ['cut', 'reset', 'eof']) {
      await fault({kind, after: 2});
      const error = await failure(client().messages.stream(ask('Hello')).finalMessage());
      assert.ok(error instanceof sdk.AnthropicError, `${kind}: ${error}`);
    }
  },

  async time_out() {
    await fault({kind: 'hang'});
    const error = await failure(client({timeout: 100}).messages.create(ask('Hello')));
    assert.ok(error instanceof sdk.APIConnectionTimeoutError, error);
  },
};

(async () => {
  for (const [name, test] of Object.entries(tests)) {
    await control({faults: [], answers: []});
    try {
      await test();
    } catch (error) {
      console.error(`${name}:`, error);
      process.exit(1);
    }
    console.log(name);
  }
})();
