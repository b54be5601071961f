// RoPE: the pair (i, i + headDim/2) of a head is rotated. A row of the table has headDim/2 cosines, then the sines.

vec2 rotated(vec2 pair, float cosine, float sine) {
  precise float first = pair.x * cosine - pair.y * sine;
  precise float second = pair.y * cosine + pair.x * sine;
  return vec2(first, second);
}

// Channel c of the head that begins at from, with the table's row that begins at tableFrom.
float rotatedChannel(Floats x, uint from, Floats table, uint tableFrom, uint headDim, uint c) {
  uint width = headDim / 2;
  uint i = c < width ? c : c - width;
  vec2 pair = rotated(vec2(x.at[from + i], x.at[from + width + i]), table.at[tableFrom + i], table.at[tableFrom + width + i]);
  return c < width ? pair.x : pair.y;
}
