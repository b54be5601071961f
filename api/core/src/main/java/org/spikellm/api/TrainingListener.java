package org.spikellm.api;

/** Is told how the training of a block goes. */
public interface TrainingListener {

  /** Hears nothing. */
  TrainingListener NONE = new TrainingListener() {
    @Override
    public void step(int done, int of) {}

    @Override
    public void epoch(int epoch, double loss) {}

    @Override
    public void learned(String name, float[] values) {}

    @Override
    public void warning(String what) {}
  };

  /** So many training steps of the block are done. */
  void step(int done, int of);

  /** Epoch {@code epoch}, from 0, ended with mean loss {@code loss}. */
  void epoch(int epoch, double loss);

  /**
   * What a parameter of the block was when training ended, before it was folded into the block.
   *
   * @param name the pipeline's own, for example {@code s_qkv} or {@code self_attn.q_proj.gamma}
   * @param values not to be changed
   */
  void learned(String name, float[] values);

  /** Something a user should know, for example that training ended early; one line; which block it is of is known. */
  void warning(String what);
}
