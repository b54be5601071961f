package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What the start script makes the JVM's cache from. */
class RehearsalTest {

  private static boolean rehearse(Path model) throws IOException {
    PrintStream out = System.out;
    PrintStream err = System.err;
    System.setOut(new PrintStream(OutputStream.nullOutputStream()));
    System.setErr(System.out);
    try {
      return Rehearsal.run(model);
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }

  @Test
  void allItsCommandsDoWhatTheyShould() throws IOException {
    assertTrue(rehearse(ModelCopy.ORIGINAL));
  }

  @Test
  void aMissingModelIsNoException() throws IOException {
    assertFalse(rehearse(Path.of("no", "model")));
  }
}
