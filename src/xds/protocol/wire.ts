import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { PlannedResponse } from './session.ts';

/** Field numbers of envoy/service/discovery/v3/discovery.proto. */
const DISCOVERY_RESPONSE = { versionInfo: 1, resources: 2, typeUrl: 4, nonce: 5, controlPlane: 6 };
const DELTA_DISCOVERY_RESPONSE = { systemVersionInfo: 1, resources: 2, typeUrl: 4, nonce: 5, removedResources: 6, controlPlane: 7 };
const RESOURCE = { version: 1, resource: 2, name: 3 };
const CONTROL_PLANE = { identifier: 1 };

/** Turns a response into bytes; `controlPlane` is shown by Envoy as `control_plane.identifier`. */
export type ResponseEncoder = (response: PlannedResponse, controlPlane: string) => Buffer;

/** DiscoveryResponse: the resources' bytes are joined as they are. */
export const encodeSotwResponse: ResponseEncoder = (response, controlPlane) => {
  const fields = DISCOVERY_RESPONSE;
  const out = new Fields();
  out.string(fields.versionInfo, response.version);
  for (const resource of response.resources) out.bytes(fields.resources, resource.any);
  out.string(fields.typeUrl, response.typeUrl);
  out.string(fields.nonce, response.nonce);
  out.bytes(fields.controlPlane, new Fields().string(CONTROL_PLANE.identifier, controlPlane).finish());
  return out.finish();
};

/** DeltaDiscoveryResponse: each resource's bytes in an envelope of name and version. */
export const encodeDeltaResponse: ResponseEncoder = (response, controlPlane) => {
  const fields = DELTA_DISCOVERY_RESPONSE;
  const out = new Fields();
  out.string(fields.systemVersionInfo, response.version);
  for (const { name, version, any } of response.resources) {
    const envelope = new Fields().string(RESOURCE.version, version).bytes(RESOURCE.resource, any).string(RESOURCE.name, name);
    out.bytes(fields.resources, envelope.finish());
  }
  out.string(fields.typeUrl, response.typeUrl);
  out.string(fields.nonce, response.nonce);
  for (const name of response.removed) out.string(fields.removedResources, name);
  out.bytes(fields.controlPlane, new Fields().string(CONTROL_PLANE.identifier, controlPlane).finish());
  return out.finish();
};

const LENGTH_DELIMITED = 2;

/** A message of length-delimited fields; parts are joined once, at the end. */
class Fields {
  readonly #writer = new BinaryWriter();

  string(field: number, value: string): this {
    this.#writer.tag(field, LENGTH_DELIMITED).string(value);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#writer.tag(field, LENGTH_DELIMITED).bytes(value);
    return this;
  }

  finish(): Buffer {
    const bytes = this.#writer.finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}
