package org.spikellm.launcher.registry;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.module.ResolvedModule;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Where a provider comes from.
 *
 * @param way how it came into the program
 * @param module its module, or the symbolic name of a bundle that is none
 * @param version the module's or bundle's version, or null where it has none
 * @param jar the file it lies in, or null where it lies in none
 * @param digest SHA-256 of the jar as it was read, in hexadecimal digits, or null where it is read as it is needed
 */
public record Origin(Way way, String module, String version, Path jar, String digest) {

  /** Of a jar that is read as it is needed, or of none. */
  public Origin(Way way, String module, String version, Path jar) {
    this(way, module, version, jar, null);
  }

  /** The ways into the program. */
  public enum Way {
    /** A module that the program was started with. */
    BOOT("boot"),
    /** A modular jar of {@code --module-path}. */
    MODULE_PATH("module path"),
    /** A jar of {@code --plugins}. */
    BUNDLE("bundle");

    private final String label;

    Way(String label) {
      this.label = label;
    }

    /** Its name for people and scripts. */
    public String label() {
      return label;
    }
  }

  /** The origin of what a module provides; what the boot layer does not hold came by the module path. */
  static Origin of(Module module) {
    if (!module.isNamed()) {
      return new Origin(Way.BOOT, "the class path", null, null);
    }
    ModuleLayer layer = module.getLayer();
    Path jar = layer == null ? null : layer.configuration().findModule(module.getName()).map(ResolvedModule::reference)
        .flatMap(reference -> reference.location()).flatMap(Origin::file).orElse(null);
    return new Origin(layer == Origin.class.getModule().getLayer() ? Way.BOOT : Way.MODULE_PATH, module.getName(),
        module.getDescriptor().rawVersion().orElse(null), jar);
  }

  private static Optional<Path> file(URI location) {
    return "file".equals(location.getScheme()) ? Optional.of(Path.of(location)) : Optional.empty();
  }

  /** Whether somebody added it to the program. */
  public boolean plugin() {
    return way != Way.BOOT;
  }

  /** Whether {@code name}, a path or a file's name, means the jar it lies in. */
  boolean liesIn(String name) {
    return jar != null && (jar.getFileName().toString().equals(name) || absolute(jar).equals(absolute(Path.of(name))));
  }

  private static Path absolute(Path path) {
    return path.toAbsolutePath().normalize();
  }

  /** SHA-256 of the jar in hexadecimal digits, or null where there is no jar. */
  public String sha256() throws IOException {
    if (digest != null || jar == null || !Files.isRegularFile(jar)) {
      return digest;
    }
    MessageDigest sha = sha();
    try (InputStream in = new DigestInputStream(Files.newInputStream(jar), sha)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return HexFormat.of().formatHex(sha.digest());
  }

  /** SHA-256 of a jar's content in hexadecimal digits. */
  public static String sha256(byte[] jar) {
    return HexFormat.of().formatHex(sha().digest(jar));
  }

  private static MessageDigest sha() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The jar and the module, for people. */
  @Override
  public String toString() {
    return jar == null ? module : jar.getFileName() + (module.isEmpty() ? "" : " (" + module + ")");
  }
}
