import { DeltaType } from './delta-type.ts';
import { type DeltaRequest, decodeDeltaRequest, decodeSotwRequest, type SotwRequest } from './requests.ts';
import { SotwType } from './sotw-type.ts';
import type { TypeStreamFactory } from './type-stream.ts';
import { encodeDeltaResponse, encodeSotwResponse, type ResponseEncoder } from './wire.ts';

/** One of the two protocols, whole: how its requests are read, its types kept, its responses written. */
export interface Variant<Request> {
  readonly name: 'sotw' | 'delta';
  readonly decode: (bytes: Uint8Array) => Request;
  readonly create: TypeStreamFactory<Request>;
  readonly encode: ResponseEncoder;
}

export const SOTW: Variant<SotwRequest> = {
  name: 'sotw',
  decode: decodeSotwRequest,
  create: (rules) => new SotwType(rules),
  encode: encodeSotwResponse,
};

export const DELTA: Variant<DeltaRequest> = {
  name: 'delta',
  decode: decodeDeltaRequest,
  create: (rules) => new DeltaType(rules),
  encode: encodeDeltaResponse,
};
