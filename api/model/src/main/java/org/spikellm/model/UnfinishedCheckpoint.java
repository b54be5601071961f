package org.spikellm.model;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The directory in which a checkpoint comes into being, and what lies there.
 *
 * @param given OUT as the user named it
 * @param out its absolute place, behind a link
 * @param directory {@code OUT.partial}
 */
record UnfinishedCheckpoint(Path given, Path out, Path directory) {

  static final String LOCK = "lock";
  static final String TASK = "task.json";
  static final String CONFIG = "config.json";
  static final String MEASURED = "measured.json";
  static final String INDEX = "model.safetensors.index.json";
  /** Added to the name of a file until it is whole. */
  static final String TEMPORARY = ".tmp";
  /** What is taken from the source, where it has it. */
  static final List<String> COPIED = List.of("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "added_tokens.json",
      "special_tokens_map.json", "generation_config.json", "chat_template.jinja");

  private static final String SHARD = ".safetensors";
  /** Directories that this process writes to. */
  private static final Set<Path> LOCKED = ConcurrentHashMap.newKeySet();

  static UnfinishedCheckpoint of(Path out) throws IOException {
    Path place = OutputPlace.of(out);
    if (place.getFileName() == null) {
      throw new CheckpointException(out + ": expected the name of a new directory, found the root");
    }
    return new UnfinishedCheckpoint(out, place, place.resolveSibling(place.getFileName() + ".partial"));
  }

  /** Nothing is where the checkpoint is to be, or an empty directory, and it can be written. */
  void requireFree() throws IOException {
    if (Files.exists(out) && !isEmptyDirectory(out)) {
      throw new CheckpointException(given + ": exists and is not an empty directory; remove it or choose another name");
    }
    requireOurs();
    Path there = out.getParent();
    while (!Files.exists(there)) {
      there = there.getParent();
    }
    if (!Files.isDirectory(there) || !Files.isWritable(there)) {
      throw new CheckpointException(given + ": cannot be written: " + (Files.isDirectory(there) ? there + ": permission denied"
          : there + " is a file") + "; choose another place");
    }
  }

  private static boolean isEmptyDirectory(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> list = Files.list(path)) {
      return list.findAny().isEmpty();
    }
  }

  /** Nothing, or files of an unfinished run alone. */
  private void requireOurs() throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    String other = "a file";
    if (Files.isDirectory(directory)) {
      try (Stream<Path> list = Files.list(directory)) {
        List<String> names = list.map(file -> file.getFileName().toString()).filter(name -> !name.startsWith(".")).toList();
        other = names.contains(TASK) ? names.stream().filter(name -> !isOurs(name)).findFirst().orElse("")
            : names.stream().filter(name -> !name.equals(LOCK) && !name.equals(TASK + TEMPORARY)).findFirst().orElse("");
      }
    }
    if (!other.isEmpty()) {
      throw new CheckpointException(directory + ": expected nothing or what an unfinished run left, found " + other
          + "; remove it or choose another name");
    }
  }

  /** Whether a run writes files of that name. */
  private static boolean isOurs(String name) {
    String whole = name.endsWith(TEMPORARY) ? name.substring(0, name.length() - TEMPORARY.length()) : name;
    return List.of(LOCK, TASK, CONFIG, MEASURED, INDEX).contains(whole) || COPIED.contains(whole)
        || whole.matches("measured-\\d+\\.json|model-\\d+-of-\\d+\\.safetensors");
  }

  /** Keeps others from writing there until it is closed, which the end of the process does, too; where files can be locked. */
  Closeable lock() throws IOException {
    if (!LOCKED.add(directory)) {
      throw locked();   // by this process, whose lock would be lost if the file were opened and closed once more
    }
    FileChannel channel = null;
    try {
      channel = FileChannel.open(directory.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (isLockedByAnother(channel)) {
        throw locked();
      }
      FileChannel held = channel;
      return () -> {
        LOCKED.remove(directory);
        held.close();
      };
    } catch (Throwable e) {
      LOCKED.remove(directory);
      if (channel != null) {
        channel.close();
      }
      throw e;
    }
  }

  private static boolean isLockedByAnother(FileChannel channel) {
    try {
      return channel.tryLock() == null;
    } catch (IOException e) {
      return false;   // some file systems have no locks
    }
  }

  private CheckpointException locked() {
    return new CheckpointException(directory + ": is being written by another run; wait for its end, or choose another name");
  }

  /** Deletes what an unfinished run left; returns how many shards these were. */
  int discard() throws IOException {
    requireOurs();
    int shards = 0;
    try (Stream<Path> list = Files.list(directory)) {
      // The task stays until another one takes its place: what it is beside is known as an unfinished run's.
      for (Path file : list.filter(file -> isOurs(file.getFileName().toString()) && !file.endsWith(LOCK) && !file.endsWith(TASK)).toList()) {
        shards += file.toString().endsWith(SHARD) ? 1 : 0;
        Files.delete(file);
      }
    }
    return shards;
  }
}
