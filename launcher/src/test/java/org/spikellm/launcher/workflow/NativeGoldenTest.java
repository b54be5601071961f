package org.spikellm.launcher.workflow;

/** The same on the native backend. */
class NativeGoldenTest extends GoldenTest {

  @Override
  String backend() {
    return "native";
  }
}
