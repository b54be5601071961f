package org.spikellm.api;

/** A quantized linear layer prepared for a device. */
public interface SpikingLinear {

  /** Output channels. */
  int rows();

  /** Input channels. */
  int columns();

  /**
   * {@code out[t, r] += Σ_class Σ_group I · (θ · scale)}, classes then groups ascending, with the exact integer
   * {@code I = Σ_j (stored_tj − zeros_t) (code_rj − zero_r)} over the columns j of the group: {@code x̂ Wᵀ} of method.md §2, in
   * integers. {@code I}, {@code θ · scale}, their product and the sum are each rounded to float (the product and the sum may be
   * fused).
   *
   * @param x spikes in the weight's channel order
   * @param out F32 [tokens, rows]
   */
  void accumulate(SpikeTrain x, Tensor out);

  /**
   * {@code out += x Wᵀ} for an input that is not encoded.
   *
   * @param x F32 [tokens, columns], channels in their own order
   * @param out F32 [tokens, rows]
   */
  void accumulate(Tensor x, Tensor out);

  /**
   * Whether this reads the tensors of the weight it was made from, which then must live as long as it does. A device with a layout of its own
   * says no, and the memory of the weight can be given back as soon as it is prepared.
   */
  default boolean keepsWeight() {
    return true;
  }
}
