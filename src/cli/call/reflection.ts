import type { FileRegistry } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { RingwayError } from '../../core/index.ts';
import { ServerReflectionRequest, ServerReflectionResponse } from '../../gen/grpc/reflection/v1/reflection.ts';
import { missingImports, schemaOfProtos } from './schema.ts';

/** Newest first; a server that has only the older one answers UNIMPLEMENTED to the newer. */
const PATHS = ['v1', 'v1alpha'].map((version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);
const UNIMPLEMENTED = 12;
/** More rounds than this a chain of imports does not need. */
const MAX_ROUNDS = 50;

type Question = NonNullable<ServerReflectionRequest['messageRequest']>;
type Answer = NonNullable<ServerReflectionResponse['messageResponse']>;

/** Names of the services the server says it has. Throws what the server answers; RingwayError `NO_REFLECTION` without reflection. */
export async function reflectServices(client: Client, timeoutMs: number): Promise<string[]> {
  const answer = await ask(client, { $case: 'listServices', value: '' }, timeoutMs);
  return answer.$case === 'listServicesResponse' ? answer.value.service.map((service) => service.name).sort() : [];
}

/** The schema of a service or message with everything it imports, as the server tells it. Throws as reflectServices. */
export async function reflectSchema(client: Client, symbol: string, timeoutMs: number): Promise<FileRegistry> {
  const files: Uint8Array[] = [];
  let questions: Question[] = [{ $case: 'fileContainingSymbol', value: symbol }];
  for (let round = 0; questions.length > 0 && round < MAX_ROUNDS; round += 1) {
    for (const question of questions) {
      const answer = await ask(client, question, timeoutMs);
      if (answer.$case === 'errorResponse')
        throw new RingwayError(`the server knows nothing called "${symbol}": ${answer.value.errorMessage}`, { code: 'NO_SYMBOL' });
      if (answer.$case === 'fileDescriptorResponse') files.push(...answer.value.fileDescriptorProto);
    }
    questions = missingImports(files).map((value) => ({ $case: 'fileByFilename', value }));
  }
  return schemaOfProtos(files);
}

async function ask(client: Client, messageRequest: Question, timeoutMs: number): Promise<Answer> {
  for (const path of PATHS) {
    try {
      return await askOn(client, path, messageRequest, timeoutMs);
    } catch (error) {
      if ((error as { code?: unknown }).code !== UNIMPLEMENTED) throw error;
    }
  }
  throw new RingwayError('the server has no reflection: give its .proto files with --proto', { code: 'NO_REFLECTION' });
}

function askOn(client: Client, path: string, messageRequest: Question, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(
      path,
      (request: ServerReflectionRequest) => Buffer.from(ServerReflectionRequest.encode(request).finish()),
      (bytes: Buffer) => ServerReflectionResponse.decode(bytes),
      { deadline: Date.now() + timeoutMs },
    );
    call.on('data', (response: ServerReflectionResponse) => {
      if (response.messageResponse) resolve(response.messageResponse);
      call.end();
    });
    call.on('error', reject);
    call.on('end', () => reject(new RingwayError('the server ended the reflection stream without an answer', { code: 'NO_REFLECTION' })));
    call.write({ host: '', messageRequest });
  });
}
