package org.spikellm.launcher.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.Map;
import org.spikellm.model.CheckpointException;

/**
 * Starts the tokenizers library so that it stays on this machine: no download, no report of its use, and its native part is
 * unpacked where only this user can write.
 */
final class TokenizersLibrary {

  /** Nothing is cut off, filled up or put around a text, whatever a tokenizer.json asks for. */
  private static final Map<String, String> PLAIN = Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

  private TokenizersLibrary() {}

  static HuggingFaceTokenizer open(TokenizerDefinition definition) throws IOException {
    prepare();
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(definition.json().getBytes(StandardCharsets.UTF_8)), PLAIN);
    } catch (EngineException | LinkageError e) {
      throw new CheckpointException(definition.file() + ": the tokenizers library cannot load its native part for "
          + System.getProperty("os.name") + " " + System.getProperty("os.arch") + " (" + ModelFile.message(e)
          + "), expected Linux, macOS or Windows and a cache that can be written: set XDG_CACHE_HOME", e);
    } catch (RuntimeException e) {
      throw new CheckpointException(definition.file() + ": not a usable tokenizer (" + ModelFile.message(e)
          + "), expected one that Hugging Face tokenizers reads; download the file again", e);
    }
  }

  /** The library reads its settings from environment variables or else from system properties of the same names. */
  private static synchronized void prepare() throws IOException {
    setIfAbsent("ai.djl.offline", "true");
    setIfAbsent("OPT_OUT_TRACKING", "true");
    setIfAbsent("RUST_FLAVOR", "cpu");
    if (System.getProperty("ENGINE_CACHE_DIR") == null) {
      System.setProperty("ENGINE_CACHE_DIR", privateCache().toString());
    }
  }

  private static void setIfAbsent(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  /** $XDG_CACHE_HOME/spikellm or ~/.cache/spikellm; where that cannot be written, a directory of this run alone. */
  static Path privateCache() throws IOException {
    String base = System.getenv("XDG_CACHE_HOME");
    Path cache = base == null || base.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(base);
    try {
      Path directory = Files.createDirectories(cache.resolve("spikellm"));
      if (Files.getFileStore(directory).supportsFileAttributeView("posix")) {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
      }
      if (Files.isWritable(directory)) {
        return directory;
      }
    } catch (IOException e) {
      // no home to write to, or one that belongs to somebody else: below
    }
    Path directory = Files.createTempDirectory("spikellm");
    Runtime.getRuntime().addShutdownHook(new Thread(() -> deleteTree(directory)));
    return directory;
  }

  private static void deleteTree(Path directory) {
    try (var paths = Files.walk(directory)) {
      paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      // the system cleans its temporary directory
    }
  }
}
