import { describe, expect, test } from 'vitest';
import {
  isSticky,
  isTransient,
  SluiceError,
  throwIfAborted,
  toSluiceError,
} from '#sluice/errors.js';

describe('SluiceError', () => {
  test('carries code, kind and cause', () => {
    const cause = new Error('disk');
    const error = new SluiceError('SLUICE_IO', 'write failed', { cause });
    expect(error).toMatchObject({ name: 'SluiceError', code: 'SLUICE_IO', kind: 'sticky', cause });
    expect(isSticky(error)).toBe(true);
    expect(isTransient(error)).toBe(false);
  });

  test('wraps foreign errors once', () => {
    const wrapped = toSluiceError(new Error('x'), 'SLUICE_IO', 'reading');
    expect(wrapped.message).toBe('reading: x');
    expect(toSluiceError(wrapped, 'SLUICE_DAMAGED')).toBe(wrapped);
  });

  test('an aborted signal throws SLUICE_CANCELLED with its reason', () => {
    const controller = new AbortController();
    throwIfAborted(controller.signal);
    controller.abort('why');
    expect(() => throwIfAborted(controller.signal)).toThrowError(
      expect.objectContaining({ code: 'SLUICE_CANCELLED', cause: 'why' }),
    );
  });
});
