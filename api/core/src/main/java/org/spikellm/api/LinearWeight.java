package org.spikellm.api;

/** The weight of a linear layer: {@code W[rows, columns]}, computing {@code y = x Wᵀ}. */
public sealed interface LinearWeight permits DenseWeight, QuantizedWeight, PartlyBinaryWeight {

  /** Output channels. */
  int rows();

  /** Input channels. */
  int columns();
}
