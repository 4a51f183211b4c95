// What must hold for each of the five machines, over every state that it can come to.
import { check, checksOf, describeFindings } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { CASES, graphOf } from './support/cases.js';
import { contractOf } from './support/contracts.js';

for (const [name, make] of Object.entries(CASES)) {
  describe(`the graph of ${name}`, () => {
    const made = make();
    const graph = graphOf(made);
    const { properties } = contractOf(name, made);

    for (const { name: property, find } of checksOf(properties)) {
      it(property, () => {
        expect(describeFindings(find(graph))).toBe('');
      });
    }

    it('crashes wherever it is meant to', () => {
      const crashes = check(graph).filter(({ property }) => /crash/.test(property));
      expect(crashes.length > 0).toBe((properties.mayCrash ?? []).length > 0);
    });
  });
}
