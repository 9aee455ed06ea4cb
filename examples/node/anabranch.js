// The services of the protocol, loaded from the .proto files as they are.
'use strict';
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const protos = process.env.ANABRANCH_PROTOS || path.join(__dirname, '..', '..', 'protos');
const definition = protoLoader.loadSync(
  ['anabranch/v1/run_service.proto', 'anabranch/v1/activity_service.proto',
   'google/rpc/status.proto', 'google/rpc/error_details.proto'],
  {includeDirs: [protos], keepCase: true, longs: String, enums: String, arrays: true, oneofs: true});

// The google.rpc messages that an error carries, by their name.
function detailsOf(error) {
  const found = {};
  const status = definition['google.rpc.Status'];
  for (const bytes of error.metadata?.get('grpc-status-details-bin') ?? []) {
    for (const detail of status.deserialize(bytes).details) {
      const name = detail.type_url.split('/').pop();
      const type = definition[name];
      if (type) found[name.split('.').pop()] = type.deserialize(detail.value);
    }
  }
  return found;
}

// A message of the worker stream that came in pieces.
const serverMessage = (pieces) => definition['anabranch.v1.ServerMessage'].deserialize(Buffer.concat(pieces));

module.exports = {grpc, detailsOf, serverMessage, v1: grpc.loadPackageDefinition(definition).anabranch.v1};
