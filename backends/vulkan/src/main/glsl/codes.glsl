// Codes of one class of a weight, in blocks of 32 columns and tiles of 32 rows. A row has as many words of a block as a code
// has bits. Byte b of these words is a string of bits with the codes of columns b, b + 4, b + 8 .. b + 28 of it, so that a shift
// and a mask give four codes in the bytes of a word. A group of columns is cut into pieces that lie within a block: (block, which
// of its columns, one bit each).

const uint ROWS = 32; // of a tile, whose words stand beside each other
const uint ONES = 0x01010101u;

// Words of a block; one more, so that the highest code may look at the word after its own.
void readBlock(Words codes, uint bits, uint blocks, uint tile, uint block, uint row, out uint words[9]) {
  uint at = (tile * blocks + block) * bits * ROWS + row;
  [[unroll]] for (uint k = 0; k < 9; k++) {
    words[k] = k < bits ? codes.at[at + k * ROWS] : 0;
  }
}

// Codes 4i .. 4i + 3 of a block.
uint fourCodes(uint words[9], uint bits, uint i) {
  uint word = i * bits / 8;
  uint bit = i * bits % 8;
  uint low = (words[word] >> bit) & (ONES * (0xffu >> bit));
  uint high = (words[word + 1] << (8 - bit)) & (ONES * ((0xff00u >> bit) & 0xffu));
  return (low | high) & (ONES * ((1u << bits) - 1));
}

// The same of a block whose words stand ROWS apart, from one on.
uint fourCodesAt(Words codes, uint at, uint bits, uint i) {
  uint word = at + i * bits / 8 * ROWS;
  uint bit = i * bits % 8;
  uint four = (codes.at[word] >> bit) & (ONES * (0xffu >> bit));
  if (bit + bits > 8) {
    four |= (codes.at[word + ROWS] << (8 - bit)) & (ONES * ((0xff00u >> bit) & 0xffu));
  }
  return four & (ONES * ((1u << bits) - 1));
}

// All bits of the bytes whose columns 4i .. 4i + 3 are in a piece.
uint fourMask(uint columns, uint i) {
  return (((columns >> (4 * i)) & 15u) * 0x00204081u & ONES) * 255u;
}
