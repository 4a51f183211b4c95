// Run with `node --test`: the store keeps every contract that the core asks of it.
import { test } from 'node:test';
import { MemoryLevel } from 'memory-level';
import { updateHandlerSuite } from 'sluice/testing';
import { kvPorts } from './kv-store.mjs';

updateHandlerSuite({
  test,
  walks: 0,
  factory() {
    const databases = { wal: new MemoryLevel(), segments: new MemoryLevel() };
    return {
      adapters() {
        const ports = kvPorts(databases, 8);
        const content = () => [...ports.segments.live].map(([key, { entry }]) => [key, entry[2]]);
        return { ...ports, content };
      },
    };
  },
  operations: {
    put: (key, value) => ({ type: 'put', key, value }),
    delete: (key) => ({ type: 'delete', key }),
    refused: ({ present }) => ({ type: 'insert', key: present, value: 'another' }),
  },
  supports: { refused: true, optimizers: true, notes: true, touched: true },
});
