// Where an element of a matrix product goes.
void write(uint i, uint j, float sum) {
  precise float result = BIASED ? sum + bias.at[j] : sum;
  result = adds != 0 ? product.at[i * stride + j] + result : result;
  product.at[i * stride + j] = result;
}
