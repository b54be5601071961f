package org.spikellm.api;

/** The linear layers of a decoder block, in the order they are computed. */
public enum Projection {
  Q("self_attn.q_proj", Source.ATTENTION_NORM),
  K("self_attn.k_proj", Source.ATTENTION_NORM),
  V("self_attn.v_proj", Source.ATTENTION_NORM),
  O("self_attn.o_proj", Source.ATTENTION),
  GATE("mlp.gate_proj", Source.MLP_NORM),
  UP("mlp.up_proj", Source.MLP_NORM),
  DOWN("mlp.down_proj", Source.SWIGLU);

  /** What a projection reads; projections of one source see the same input. */
  public enum Source {
    ATTENTION_NORM,
    ATTENTION,
    MLP_NORM,
    SWIGLU
  }

  private final String tensorName;
  private final Source source;

  Projection(String tensorName, Source source) {
    this.tensorName = tensorName;
    this.source = source;
  }

  /** Its name in a Hugging Face checkpoint, within the block: {@code self_attn.q_proj}. */
  public String tensorName() {
    return tensorName;
  }

  /** What it reads. */
  public Source source() {
    return source;
  }
}
