package org.spikellm.backend.vulkan;

/** Takes down what the device is to do. */
interface Recorder {

  /** A kernel on x · y workgroups; it may run beside those that came since the last {@link #then}. */
  void dispatch(Kernel kernel, Arguments arguments, int x, int y);

  /** Whether it runs often, so that a kernel may take long to compile. */
  boolean isRunOften();

  /** What follows sees what was written so far. */
  void then();
}
