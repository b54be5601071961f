package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Maven without a network, on a local repository of its own: links into the user's, with the artifacts that this build has made
 * in the place of those that an earlier one may have installed there.
 *
 * @param command what starts it
 * @param repository the local repository
 */
record OfflineMaven(String command, Path repository) implements AutoCloseable {

  private static final Path PROJECT = Path.of("..").toAbsolutePath().normalize();
  private static final Map<String, String> MODULES = Map.of("spikellm-api", "api/core", "spikellm-model", "api/model",
      "spikellm-tck", "api/tck", "spikellm-backend-reference", "backends/reference");
  private static final int LIMIT_SECONDS = 300;

  /**
   * Links a repository together.
   *
   * @param repository directory to make
   * @param version of the artifacts
   * @throws IOException if Maven, its repository or a jar of this build is not at hand; the message says which
   */
  static OfflineMaven open(Path repository, String version) throws IOException {
    Stream<Path> onPath = Stream.of(System.getenv("PATH").split(File.pathSeparator)).map(place -> Path.of(place, "mvn"));
    // The wrapper would download its Maven where it has none yet.
    boolean wrapped = Files.isDirectory(Path.of(System.getProperty("user.home"), ".m2/wrapper/dists"));
    String command = Stream.concat(onPath, wrapped ? Stream.of(PROJECT.resolve("mvnw")) : Stream.empty())
        .filter(Files::isExecutable).map(Path::toString).findFirst()
        .orElseThrow(() -> new IOException("there is no mvn on PATH, and the wrapper has not got its own"));
    Files.createDirectories(repository.resolve("org/spikellm"));
    OfflineMaven maven = new OfflineMaven(command, repository);
    try {
      maven.fill(version);
      return maven;
    } catch (IOException e) {
      maven.close();
      throw e;
    }
  }

  private void fill(String version) throws IOException {
    Path users = Path.of(System.getProperty("localRepository", System.getProperty("user.home") + "/.m2/repository"));
    Path own = repository.resolve("org/spikellm");
    link(users, repository);
    link(users.resolve("org"), own.getParent());
    Path parent = Files.createDirectories(own.resolve("spikellm-parent").resolve(version));
    Files.copy(PROJECT.resolve("pom.xml"), parent.resolve("spikellm-parent-" + version + ".pom"));
    for (Map.Entry<String, String> module : MODULES.entrySet()) {
      String file = module.getKey() + "-" + version;
      Path jar = PROJECT.resolve(module.getValue()).resolve("target").resolve(file + ".jar");
      if (!Files.exists(jar)) {
        throw new IOException(jar + " was not built; 'package' and 'verify' do that before these tests");
      }
      Path artifact = Files.createDirectories(own.resolve(module.getKey()).resolve(version));
      Files.copy(PROJECT.resolve(module.getValue()).resolve("pom.xml"), artifact.resolve(file + ".pom"));
      Files.copy(jar, artifact.resolve(file + ".jar"));
    }
  }

  /** Links to what is in a directory and not in the other one yet. */
  private static void link(Path from, Path to) throws IOException {
    try (Stream<Path> children = Files.list(from)) {
      for (Path child : children.toList()) {
        Path link = to.resolve(child.getFileName());
        if (!Files.exists(link)) {
          Files.createSymbolicLink(link, child);
        }
      }
    } catch (UnsupportedOperationException e) {
      throw new IOException("there are no symbolic links here", e);
    }
  }

  /** Removes the links, so that whoever deletes the directory finds none that leads out of it. */
  @Override
  public void close() throws IOException {
    for (Path directory : List.of(repository, repository.resolve("org"))) {
      try (Stream<Path> children = Files.list(directory)) {
        for (Path link : children.filter(Files::isSymbolicLink).toList()) {
          Files.delete(link);
        }
      }
    }
  }

  /** Runs a goal in a project; fails with Maven's output. */
  void run(Path project, String goal) throws IOException, InterruptedException {
    Path log = project.resolveSibling(project.getFileName() + ".log");
    Process process = new ProcessBuilder(List.of(command, "-o", "-q", "-B", "-Dmaven.repo.local=" + repository, goal))
        .directory(project.toFile()).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    assertTrue(ended && process.exitValue() == 0, () -> {
      try {
        return "mvn " + goal + " in " + project + ":\n" + Files.readString(log);
      } catch (IOException e) {
        return "mvn " + goal + " in " + project + ": " + e;
      }
    });
  }
}
