// Folds recorded changes of pictures: `node apply.mjs FILE`; see tests/views/test_page.py.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { applyPicture, type Picture, type PictureChange } from '../src/blocks';

type Recorded = [first: Picture, changes: (PictureChange | null)[], last: Picture][];

const recorded = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf-8')) as Recorded;
for (const [first, changes, last] of recorded) {
  const folded = changes.reduce<Picture>(
    (picture, change) => (change ? applyPicture(picture, change) : picture),
    first,
  );
  assert.deepEqual(folded, last);
}
console.log(`${recorded.length} sequences`);
