import assert from 'node:assert/strict';
import { test } from 'node:test';
import cases from '../../../tests/recordings/quantities.json';
import { bytes, formatAge, seconds, wholeSeconds } from '../src/format';

// tests/views/test_quantities.py reads the same cases
for (const [kind, write] of Object.entries({
  ages: formatAge,
  sizes: bytes,
  seconds,
  'whole seconds': wholeSeconds,
})) {
  test(kind, () => {
    const wanted = cases[kind as keyof typeof cases] as [number, string][];
    assert.deepEqual(
      wanted.map(([value]) => [value, write(value)]),
      wanted,
    );
  });
}
