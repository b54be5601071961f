package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.spikellm.model.Checkpoint;

/** Tells one source checkpoint from another. */
final class SourceHash {

  private SourceHash() {}

  /** The SHA-256, in hex, of config.json and the checkpoint's safetensors files in the order of their names. */
  static String of(Checkpoint checkpoint) throws IOException {
    List<Path> files = checkpoint.files().values().stream().map(file -> file.file()).distinct().sorted().toList();
    MessageDigest digest = sha256();
    add(digest, checkpoint.directory().resolve("config.json"));
    for (Path file : files) {
      add(digest, file);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The SHA-256, in hex, of some bytes. */
  static String of(byte[] bytes) {
    return HexFormat.of().formatHex(sha256().digest(bytes));
  }

  /** The SHA-256, in hex, of tokens of 32 bits, little-endian. */
  static String of(List<int[]> windows) {
    MessageDigest digest = sha256();
    for (int[] window : windows) {
      ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(window.length, Integer.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asIntBuffer().put(window);
      digest.update(bytes);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void add(MessageDigest digest, Path file) throws IOException {
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      byte[] buffer = new byte[1 << 20];
      while (in.read(buffer) >= 0) {
        // the digest sees what is read
      }
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
