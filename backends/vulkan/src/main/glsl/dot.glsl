// The product of two words of four signed bytes.
#ifdef INTEGER_DOT
#extension GL_EXT_integer_dot_product : require
#endif

int dot4(uint a, uint b) {
#ifdef INTEGER_DOT
  return dotPacked4x8EXT(int(a), int(b));
#else
  int sum = 0;
  [[unroll]] for (int bit = 0; bit < 32; bit += 8) {
    sum += bitfieldExtract(int(a), bit, 8) * bitfieldExtract(int(b), bit, 8);
  }
  return sum;
#endif
}
