import { expect, test } from 'vitest';
import { levelError } from '#sluice/services/level/database.js';

function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

test.each([
  ['SLUICE_LOCKED', 'declined', failure('LEVEL_LOCKED', 'IO error: lock')],
  ['SLUICE_DAMAGED', 'sticky', failure('LEVEL_CORRUPTION', 'bad block')],
  ['SLUICE_DISK_FULL', 'sticky', failure('LEVEL_IO_ERROR', 'a.log: No space left on device')],
  ['SLUICE_DISK_FULL', 'sticky', failure('ENOSPC', 'write failed')],
  ['SLUICE_DAMAGED', 'sticky', failure('LEVEL_IO_ERROR', '5.ldb: No such file or directory')],
  ['SLUICE_IO', 'sticky', failure('LEVEL_IO_ERROR', 'Input/output error')],
  ['SLUICE_IO', 'sticky', failure('LEVEL_DATABASE_NOT_OPEN', 'Database is not open')],
  ['SLUICE_NOT_OPEN', 'declined', failure('LEVEL_ITERATOR_NOT_OPEN', 'Iterator is not open')],
])('%s (%s) stands for an error of the store and for its cause', (code, kind, error) => {
  expect(levelError(error, 'writing')).toMatchObject({ code, kind, cause: error });
  const outer = failure('LEVEL_DATABASE_NOT_OPEN', 'Database failed to open', error);
  const wrapped = levelError(outer, 'opening');
  expect(wrapped).toMatchObject({ code, kind, cause: outer });
  expect(wrapped.message).toBe(`opening: Database failed to open: ${error.message}`);
});

test('a ring of causes and a thrown non-error end in SLUICE_IO', () => {
  const ring = new Error('ring');
  ring.cause = ring;
  expect(levelError(ring, 'writing').code).toBe('SLUICE_IO');
  expect(levelError(null, 'writing').code).toBe('SLUICE_IO');
  expect(levelError('text', 'writing').message).toBe('writing: text');
});
