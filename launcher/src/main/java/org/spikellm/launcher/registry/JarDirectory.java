package org.spikellm.launcher.registry;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A directory in which users put jars. */
public final class JarDirectory {

  private JarDirectory() {}

  /**
   * Its entries named {@code *.jar}, by name.
   *
   * @param option which named the directory
   */
  public static List<Path> list(Path directory, String option) throws RegistryException {
    try (Stream<Path> children = Files.list(directory)) {
      return children.filter(child -> child.getFileName().toString().endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      throw new RegistryException(option + " " + directory + ": cannot be read: " + reason(e));
    } catch (UncheckedIOException e) {
      throw new RegistryException(option + " " + directory + ": cannot be read: " + reason(e.getCause()));
    }
  }

  /** What is wrong with a file, without its name. */
  public static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException gone -> "not found";
      case AccessDeniedException denied -> "permission denied";
      case FileSystemException other when other.getReason() != null -> other.getReason();
      default -> e.getMessage();
    };
  }
}
