'use strict';
// grpc-js as the client of our server: client.js FOLDER PORT HEALTH_PROTO STATUS_PROTO
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const [folder, port, healthProto, statusProto] = process.argv.slice(2);
const details = require('./details.js')(statusProto);
const address = `localhost:${port}`;
const MIB = 1 << 20;
const read = (name) => fs.readFileSync(path.join(folder, name));
const same = (x) => x;
const method = (name, requestStream, responseStream, service = 'test.Echo') => ({
  path: `/${service}/${name}`, requestStream, responseStream,
  requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
});
const Echo = grpc.makeGenericClientConstructor({
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  produce: method('Produce', false, true),
  chat: method('Chat', true, true),
  fail: method('Fail', false, false),
  hang: method('Hang', true, false),
  stall: method('Stall', false, true),
  metadata: method('Metadata', false, false),
  missing: method('Missing', false, false),
  events: method('Chat', true, true, 'test.Events'),
}, 'Echo');

function connect(leaf, options = {}) {
  const credentials = leaf === null
    ? grpc.credentials.createSsl(read('root.pem'))
    : grpc.credentials.createSsl(read('root.pem'), read(`${leaf}.key`), read(`${leaf}.pem`));
  return new Echo(address, credentials, options);
}

function unary(client, name, message, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((resolve, reject) => {
    client[name](message, metadata, options, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

async function expectStatus(promise, code, pattern = /./) {
  const error = await promise.then(() => assert.fail('the call went well'), (e) => e);
  assert.strictEqual(error.code, code, `${error.code} ${error.details}`);
  assert.match(error.details, pattern);
  return error;
}

function written(call, message) {
  return new Promise((resolve) => { if (call.write(message)) resolve(); else call.once('drain', resolve); });
}

const client = connect('client');

const tests = {
  async 'a unary call'() {
    assert.strictEqual((await unary(client, 'unary', Buffer.from('hello'))).toString(), 'hello');
    assert.strictEqual((await unary(client, 'unary', Buffer.alloc(0))).length, 0);
  },

  async 'a client stream of 256 MiB'() {
    const message = Buffer.alloc(MIB, 7);
    await new Promise((resolve, reject) => {
      const call = client.collect((error, reply) => {
        if (error) return reject(error);
        assert.strictEqual(reply.toString(), String(256 * MIB));
        return resolve();
      });
      (async () => {
        for (let i = 0; i < 256; i++) await written(call, message);
        call.end();
      })();
    });
  },

  async 'a server stream of 256 MiB'() {
    let total = 0;
    for await (const message of client.produce(Buffer.from(`256 ${MIB}`))) {
      assert.strictEqual(message[257], 1);
      total += message.length;
    }
    assert.strictEqual(total, 256 * MIB);
  },

  async 'both directions at once, on a worker and on the loop'() {
    for (const name of ['chat', 'events']) {
      const call = client[name]();
      let expected = 0;
      call.write(Buffer.from('0'));
      for await (const message of call) {
        assert.strictEqual(message.toString(), String(expected));
        expected += 1;
        if (expected === 100) call.end();
        else call.write(Buffer.from(String(expected)));
      }
      assert.strictEqual(expected, 100);
    }
  },

  async 'an error with its text, kind, hint and details'() {
    const error = await expectStatus(unary(client, 'fail', Buffer.from('x')), grpc.status.RESOURCE_EXHAUSTED,
      /^slow down: 100% über$/);
    assert.deepStrictEqual(error.metadata.get('longhaul-error-kind'), ['throttled']);
    assert.deepStrictEqual(error.metadata.get('grpc-retry-pushback-ms'), ['1500']);
    assert.deepStrictEqual(details.decode(error.metadata.get('grpc-status-details-bin')[0]), {
      code: grpc.status.RESOURCE_EXHAUSTED, message: 'slow down: 100% über', url: details.URL, kind: 'throttled',
      retryAfterMs: 1500, others: 0,
    });
  },

  async 'binary metadata and the node of the certificate'() {
    const metadata = new grpc.Metadata();
    metadata.set('note-bin', Buffer.from([0, 1, 254]));
    const reply = await unary(client, 'metadata', Buffer.alloc(0), metadata);
    assert.deepStrictEqual(reply, Buffer.concat([Buffer.from([0, 1, 254, 255]), Buffer.from('transporter-test')]));
  },

  async 'a deadline'() {
    const call = new Promise((resolve, reject) => {
      client.hang({ deadline: Date.now() + 300 }, (error) => (error ? reject(error) : resolve()));
    });
    await expectStatus(call, grpc.status.DEADLINE_EXCEEDED);
  },

  async 'a cancel'() {
    const call = client.stall(Buffer.from('x'));
    const error = await new Promise((resolve) => {
      call.on('error', resolve);
      call.once('data', () => call.cancel());
    });
    assert.strictEqual(error.code, grpc.status.CANCELLED);
  },

  async 'an unknown method'() {
    await expectStatus(unary(client, 'missing', Buffer.from('x')), grpc.status.UNIMPLEMENTED);
  },

  async 'a message over the limit'() {
    await expectStatus(unary(client, 'unary', Buffer.alloc(5 * MIB)), grpc.status.RESOURCE_EXHAUSTED, /limit/);
  },

  async 'compressed messages are refused'() {
    const gzip = connect('client', { 'grpc.default_compression_algorithm': 2 });
    await expectStatus(unary(gzip, 'unary', Buffer.alloc(1000)), grpc.status.UNIMPLEMENTED, /compress/);
    gzip.close();
  },

  async 'health'() {
    const { grpc: loaded } = grpc.loadPackageDefinition(
      protoLoader.loadSync(healthProto, { enums: String, defaults: true }));
    const credentials = grpc.credentials.createSsl(read('root.pem'), read('client.key'), read('client.pem'));
    const health = new loaded.health.v1.Health(address, credentials);
    assert.strictEqual((await unary(health, 'Check', {})).status, 'SERVING');
    assert.strictEqual((await unary(health, 'Check', { service: 'test.Echo' })).status, 'SERVING');
    await expectStatus(unary(health, 'Check', { service: 'nothing' }), grpc.status.NOT_FOUND);
    const watch = health.Watch({ service: 'nothing' });
    const status = await new Promise((resolve) => { watch.on('error', () => {}); watch.once('data', resolve); });
    assert.strictEqual(status.status, 'SERVICE_UNKNOWN');
    watch.cancel();
    health.close();
  },

  async 'certificates that are not ours, have expired or are missing are refused'() {
    for (const leaf of ['stranger', 'expired', null]) {
      const refused = connect(leaf);
      const deadline = { deadline: Date.now() + 20000 };
      await expectStatus(unary(refused, 'unary', Buffer.from('x'), new grpc.Metadata(), deadline),
        grpc.status.UNAVAILABLE);
      refused.close();
    }
  },

  async 'a peer that stops at TLS 1.2 is refused'() {
    const error = await new Promise((resolve, reject) => {
      const socket = tls.connect({ host: 'localhost', port: Number(port), maxVersion: 'TLSv1.2', ca: read('root.pem'),
        key: read('client.key'), cert: read('client.pem'), ALPNProtocols: ['h2'] });
      socket.on('secureConnect', () => reject(new Error('connected')));
      socket.on('error', resolve);
    });
    assert.match(error.code, /ALERT_PROTOCOL_VERSION/);
  },
};

(async () => {
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
    } catch (error) {
      console.log(`FAIL ${name}: ${error.stack}`);
      process.exit(1);
    }
    console.log(`ok   ${name}`);
  }
  client.close();
})();
