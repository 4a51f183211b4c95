#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { systemClock } from '../services/clock.js';
import type { OpenCollection, VerifyStore } from './facade.js';
import { run } from './run.js';
import { interruptSignal } from './signals.js';
import { endWith, watchStandardStreams } from './standard-streams.js';

// The engine is loaded when a command needs it: --help and wrong use answer at once.
const openCollection: OpenCollection = async (path, options) => {
  const facade = await import('../open-collection.js');
  return facade.openCollection(path, options);
};

const verifyStore: VerifyStore = async (path, options) => {
  const verify = await import('../services/points/verify.js');
  return verify.verifyStore(path, options);
};

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

watchStandardStreams();
const { stdin, stdout, stderr } = process;
const host = { stdin, stdout, stderr, clock: systemClock, signal: interruptSignal() };
const services = { openCollection, verifyStore, version: packageVersion() };
const code = await run(process.argv.slice(2), host, services);
endWith(code, host.signal.aborted);
