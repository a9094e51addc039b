// swift-tools-version: 6.2
import PackageDescription

#if arch(x86_64)
  /// x86-64-v3 (AVX2, BMI2, MOVBE) is the baseline, checked at start. It changes Swift's own code too.
  let machine = ["-march=x86-64-v3"]
#else
  let machine: [String] = []
#endif

let warnings: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// Everything but tests: the compiler polices the unsafe fence (docs/style.md).
let strict: [SwiftSetting] =
  warnings + [
    .strictMemorySafety(),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(machine.flatMap { ["-Xcc", $0] }),
  ]

let shim: [CSetting] = [.unsafeFlags(["-O3", "-Wall", "-Werror"] + machine)]

let package = Package(
  name: "sluice",
  products: [.executable(name: "sluice", targets: ["sluice"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(name: "CLinuxPacket", path: "CSupport/CLinuxPacket", cSettings: shim),
    .systemLibrary(name: "CPcap", path: "CSupport/CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    .target(name: "Dataplane", dependencies: ["CLinuxPacket"], swiftSettings: strict),
    .target(name: "PacketIO", dependencies: ["Dataplane", "CLinuxPacket", "CPcap"], swiftSettings: strict),
    .target(name: "Config", dependencies: ["Dataplane", "Yams"], swiftSettings: strict),
    .target(name: "Gateway", dependencies: ["Config", "Dataplane", "PacketIO", "CLinuxPacket"], swiftSettings: strict),
    .executableTarget(
      name: "sluice",
      dependencies: [
        "Gateway", "Config", "Dataplane",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .testTarget(name: "DataplaneTests", dependencies: ["Dataplane"], swiftSettings: warnings),
    .testTarget(name: "PacketIOTests", dependencies: ["PacketIO", "Dataplane"], swiftSettings: warnings),
    .testTarget(name: "ConfigTests", dependencies: ["Config", "Dataplane"], swiftSettings: warnings),
    .testTarget(name: "GatewayTests", dependencies: ["Gateway", "Config", "Dataplane", "PacketIO"], swiftSettings: warnings),
  ],
  swiftLanguageModes: [.v6]
)
