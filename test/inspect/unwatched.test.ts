// Who isn't watched pays nothing: XState looks at no event for which nobody has asked.
import { type Collection, openCollection } from 'sluice';
import { serveInspector } from 'sluice/inspect';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary.js';

/** Whether anybody observes: XState reads what it is told of only to hand it on. */
function isObserved({ handler }: Collection): boolean {
  let isRead = false;
  const told = Object.defineProperty({}, 'type', {
    enumerable: true,
    get: () => {
      isRead = true;
      return '@xstate.told';
    },
  });
  const { system } = handler.actor as unknown as {
    system: { _sendInspectionEvent(event: object): void };
  };
  system._sendInspectionEvent(told);
  return isRead;
}

async function open(inspect?: false | (() => void)): Promise<Collection> {
  const collection = await openCollection(await temporaryDirectory(), { dimensions: 2, inspect });
  onTestFinished(() => collection.close());
  return collection;
}

test('without `inspect` no observer is attached, and with it one is', async () => {
  expect(isObserved(await open())).toBe(false);
  expect(isObserved(await open(false))).toBe(false);
  expect(isObserved(await open(() => {}))).toBe(true);
});

test('a page observes until it is closed', async () => {
  const collection = await open();
  const inspector = await serveInspector(collection);
  expect(isObserved(collection)).toBe(true);
  await inspector.close();
  expect(isObserved(collection)).toBe(false);
});
