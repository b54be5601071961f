package org.spikellm.launcher.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Measures speed. */
@Command(name = "bench", description = "Measure the speed of backends, side by side.")
final class BenchCommand implements Callable<Integer> {

  @Mixin
  private CommonOptions common;

  @Override
  public Integer call() throws Exception {
    return 0;
  }
}
