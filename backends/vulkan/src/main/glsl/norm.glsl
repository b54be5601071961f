// What rows are multiplied by: 1 / sqrt(mean(x²) + ε).
float normFactor(Floats x, uint from, uint columns, float reciprocal, float epsilon) {
  float mine = 0;
  for (uint c = gl_LocalInvocationID.x; c < columns; c += THREADS) {
    float value = x.at[from + c];
    mine += value * value;
  }
  return inversesqrt(sumOfAll(vec4(mine)).x * reciprocal + epsilon);
}
