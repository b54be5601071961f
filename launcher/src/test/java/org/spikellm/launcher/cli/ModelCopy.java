package org.spikellm.launcher.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/** A copy of the embedded model to break. */
record ModelCopy(Path directory) {

  static final Path ORIGINAL = Path.of("src/main/models/tales-3m");

  static ModelCopy in(Path directory) {
    try {
      Files.createDirectories(directory);
      for (String name : new String[] {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"}) {
        Files.copy(ORIGINAL.resolve(name), directory.resolve(name));
      }
      return new ModelCopy(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  ModelCopy text(String name, UnaryOperator<String> change) {
    try {
      Path file = directory.resolve(name);
      Files.writeString(file, change.apply(Files.readString(file)));
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  ModelCopy bytes(String name, UnaryOperator<byte[]> change) {
    try {
      Path file = directory.resolve(name);
      Files.write(file, change.apply(Files.readAllBytes(file)));
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  ModelCopy without(String name) {
    try {
      Files.delete(directory.resolve(name));
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Replaces text in config.json. */
  ModelCopy config(String from, String to) {
    return text("config.json", json -> replace(json, from, to));
  }

  /** Replaces text in the header of model.safetensors, whose length is kept by blanks or set anew. */
  ModelCopy header(String from, String to) {
    return bytes("model.safetensors", file -> {
      int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
      byte[] header = replace(new String(file, 8, length, StandardCharsets.UTF_8), from, to).getBytes(StandardCharsets.UTF_8);
      ByteBuffer changed = ByteBuffer.allocate(8 + header.length + file.length - 8 - length).order(ByteOrder.LITTLE_ENDIAN);
      return changed.putLong(header.length).put(header).put(Arrays.copyOfRange(file, 8 + length, file.length)).array();
    });
  }

  private static String replace(String text, String from, String to) {
    String changed = text.replaceFirst(from, to);
    if (changed.equals(text)) {
      throw new IllegalArgumentException("nothing to replace: " + from);
    }
    return changed;
  }
}
