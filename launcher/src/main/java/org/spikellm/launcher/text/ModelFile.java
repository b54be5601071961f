package org.spikellm.launcher.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;

/** Reads the small files that lie beside a checkpoint's tensors, and says what is wrong with them. */
final class ModelFile {

  private ModelFile() {}

  static byte[] bytes(Path file) throws CheckpointException {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new CheckpointException(file + ": cannot be read (" + e + "); expected a readable file: check its permissions", e);
    } catch (OutOfMemoryError e) {
      throw new CheckpointException(file + ": too large for a tokenizer; download the file again", e);
    }
  }

  static String text(Path file) throws CheckpointException {
    return text(file, bytes(file));
  }

  static String text(Path file, byte[] bytes) throws CheckpointException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new CheckpointException(file + ": not UTF-8 text; download the file again", e);
    }
  }

  /** The file's JSON object; empty where there is no such file. */
  static Map<String, Object> object(Path file) throws CheckpointException {
    return Files.exists(file) ? Json.parseObject(bytes(file), file.toString()) : Map.of();
  }

  /** A library's message on one line. */
  static String message(Throwable cause) {
    return oneLine(String.valueOf(cause.getMessage()));
  }

  static String oneLine(String text) {
    return text.replaceAll("\\s*\\R\\s*", " ").strip();
  }
}
