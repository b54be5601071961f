package org.spikellm.launcher.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Runs what most starts run, on a small model, so that the JVM can keep the classes that it loaded and what it learned of their
 * methods: {@code Rehearsal MODEL}, with -XX:AOTCacheOutput.
 */
public final class Rehearsal {

  private static final String PROMPT = "Once upon a time";

  private Rehearsal() {}

  /** Ends the JVM with status 0 whatever the commands made of it. */
  public static void main(String[] args) throws IOException {
    System.setOut(new PrintStream(OutputStream.nullOutputStream()));
    run(Path.of(args[0]));
    System.exit(0);
  }

  /** Whether all commands could do what they should. */
  static boolean run(Path model) throws IOException {
    Path room = Files.createTempDirectory("spikellm-rehearsal");
    try {
      String spiking = room.resolve("spiking").toString();
      boolean done = Main.run("quantize", model.toString(), spiking, "--pipeline", "rtn", "--samples", "1", "--sequence", "32",
          "--quiet") == 0;
      Path text = Files.writeString(room.resolve("text"), (PROMPT + ". ").repeat(32));
      for (String backend : new String[] {"simd", "auto"}) {
        done &= Main.run("generate", spiking, "--prompt", PROMPT, "--max-tokens", "16", "--backend", backend, "--quiet") == 0;
        done &= Main.run("evaluate", spiking, "--text", text.toString(), "--sequence", "32", "--limit", "1", "--backend", backend,
            "--quiet") == 0;
      }
      // And the kernels that large models come to use.
      done &= Main.run("generate", spiking, "--prompt", PROMPT, "--max-tokens", "200", "--backend", "simd", "--option", "simd.warmup=open",
          "--quiet") == 0;
      return done;
    } finally {
      delete(room);
    }
  }

  private static void delete(Path directory) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (Files.isDirectory(entry)) {
          delete(entry);
        } else {
          Files.delete(entry);
        }
      }
    }
    Files.delete(directory);
  }
}
