'use strict';
// google.rpc.Status and google.protobuf.Any as the public schema has them, and the detail of ours that they carry.
const protobuf = require('protobufjs');

const URL = 'type.googleapis.com/longhaul.v1.ErrorDetail';
const google = protobuf.Root.fromJSON({ nested: {
  Any: { fields: { typeUrl: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
  Status: { fields: {
    code: { type: 'int32', id: 1 },
    message: { type: 'string', id: 2 },
    details: { rule: 'repeated', type: 'Any', id: 3 },
  } },
} });
const Status = google.lookupType('Status');

module.exports = function details(statusProto) {
  const ErrorDetail = protobuf.loadSync(statusProto).lookupType('longhaul.v1.ErrorDetail');
  return {
    encode(code, message, kind, retryAfterMs) {
      const value = ErrorDetail.encode({ kind, retryAfterMs }).finish();
      return Buffer.from(Status.encode({ code, message, details: [{ typeUrl: URL, value }] }).finish());
    },
    decode(bytes) {
      const { code, message, details: [any, ...others] } = Status.decode(bytes);
      const { kind, retryAfterMs } = ErrorDetail.decode(any.value);
      return { code, message, url: any.typeUrl, kind, retryAfterMs, others: others.length };
    },
    URL,
  };
};
