'use strict';
// grpc-js as the server of our client: server.js FOLDER HEALTH_PROTO STATUS_PROTO. Prints three ports: a good server, one
// whose certificate comes from another authority, one that stops at TLS 1.2.
const fs = require('node:fs');
const http2 = require('node:http2');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const [folder, healthProto, statusProto] = process.argv.slice(2);
const details = require('./details.js')(statusProto);
const read = (name) => fs.readFileSync(path.join(folder, name));
const same = (x) => x;
const method = (name, requestStream, responseStream) => ({
  path: `/test.Echo/${name}`, requestStream, responseStream,
  requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same,
});
const service = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  produce: method('Produce', false, true),
  chat: method('Chat', true, true),
  fail: method('Fail', false, false),
  detailed: method('Detailed', false, false),
  hang: method('Hang', true, false),
  metadata: method('Metadata', false, false),
};

const handlers = {
  unary: (call, callback) => callback(null, call.request),

  async collect(call, callback) {
    let total = 0;
    for await (const message of call) total += message.length;
    callback(null, Buffer.from(String(total)));
  },

  async produce(call) {
    const [count, size] = call.request.toString().split(' ').map(Number);
    const message = Buffer.from(Uint8Array.from({ length: size }, (_, i) => i & 255));
    for (let i = 0; i < count && !call.cancelled; i++) {
      if (!call.write(message)) await new Promise((resolve) => call.once('drain', resolve));
    }
    call.end();
  },

  chat(call) {
    call.on('data', (message) => call.write(message));
    call.on('end', () => call.end());
  },

  fail: (call, callback) => callback({ code: grpc.status.ALREADY_EXISTS, details: 'schon da: 100% über' }),

  // The kind and the hint are nowhere but in the details.
  detailed(call, callback) {
    const metadata = new grpc.Metadata();
    const code = grpc.status.FAILED_PRECONDITION;
    metadata.set('grpc-status-details-bin', details.encode(code, 'taken over', 'fenced', 2500));
    callback({ code, details: 'taken over', metadata });
  },

  hang(call) {
    call.on('cancelled', () => fs.writeFileSync(path.join(folder, 'hang-cancelled'), ''));
    call.resume();
  },

  metadata: (call, callback) => callback(null, call.metadata.get('note-bin')[0]),
};

async function listen(leaf) {
  const server = new grpc.Server();
  server.addService(service, handlers);
  const { grpc: loaded } = grpc.loadPackageDefinition(protoLoader.loadSync(healthProto));
  server.addService(loaded.health.v1.Health.service, {
    Check: (call, callback) => callback(null, { status: call.request.service ? 2 : 1 }),
    Watch: (call) => call.end(),
  });
  const credentials = grpc.ServerCredentials.createSsl(read('root.pem'),
    [{ private_key: read(`${leaf}.key`), cert_chain: read(`${leaf}.pem`) }], true);
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

function listenOld() {
  const server = http2.createSecureServer({ maxVersion: 'TLSv1.2', key: read('server.key'), cert: read('server.pem') });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

(async () => {
  console.log([await listen('server'), await listen('stranger'), await listenOld()].join(' '));
})();
