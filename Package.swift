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

/// What `sluice --version` calls this build: make says; git is asked where it does not.
let commit =
  Context.environment["SLUICE_COMMIT"] ?? Context.gitInformation?.currentCommit.prefix(12).description
  ?? "unknown"

/// The fuzzer is in the package only for scripts/fuzz.sh, which builds it with coverage.
let fuzzer: [Target] =
  Context.environment["SLUICE_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Driver", swiftSettings: warnings)
  ]

/// Whether the control API and the program are left out: what is below them builds in seconds then, without
/// the gRPC stack, which takes minutes.
let coreOnly = Context.environment["SLUICE_CORE"] != nil

let apiDependencies: [Package.Dependency] =
  coreOnly
  ? []
  : [
    .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", exact: "2.4.1"),
    .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: []),
    // What the transport is made of: limits and admission are handlers in its pipelines.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
  ]

let grpc: [Target.Dependency] = [
  .product(name: "GRPCCore", package: "grpc-swift-2"),
  .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
  .product(name: "SwiftProtobuf", package: "swift-protobuf"),
]
let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOHTTP2", package: "swift-nio-http2"),
  .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let transport: Target.Dependency = .product(
  name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")

/// The control API, its clients and the program.
let api: [Target] =
  coreOnly
  ? []
  : [
    .target(
      name: "OPIProtos", dependencies: grpc, exclude: ["protos"], swiftSettings: warnings),
    .target(
      name: "ControlAPI",
      dependencies: ["OPIProtos", "Gateway", "Config", "Dataplane", transport] + grpc + nio,
      swiftSettings: strict),
    .target(
      name: "ControlClient", dependencies: ["OPIProtos", "Config", "Dataplane", transport] + grpc,
      swiftSettings: strict),
    .executableTarget(
      name: "sluice",
      dependencies: [
        "ControlAPI", "ControlClient", "Gateway", "Config", "Dataplane", "PacketIO", "TrafficGenerator",
        "CBuildInfo", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict,
      // Starts without the dynamic linker's work on Foundation, and needs no toolchain where it runs.
      linkerSettings: [
        .unsafeFlags([
          "-static-stdlib", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims",
          "-l_FoundationCollections", "-lstdc++",
        ])
      ]),
    .testTarget(
      name: "ControlAPITests",
      dependencies: [
        "ControlAPI", "ControlClient", "OPIProtos", "Gateway", "Config", "Dataplane", "PacketIO", transport,
      ] + grpc + nio + [.product(name: "NIOEmbedded", package: "swift-nio")],
      swiftSettings: warnings),
  ]

/// What runs per burst: the compiler's proofs of exclusive access stay, the run-time checks of classes go.
let hot: [SwiftSetting] =
  strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let shim: [CSetting] = [.unsafeFlags(["-O3", "-Wall", "-Werror"] + machine)]

let package = Package(
  name: "sluice",
  products: coreOnly ? [] : [.executable(name: "sluice", targets: ["sluice"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ] + apiDependencies,
  targets: [
    .target(name: "CLinuxPacket", path: "CSupport/CLinuxPacket", cSettings: shim),
    .target(name: "CMallocCount", path: "CSupport/CMallocCount", cSettings: shim),
    .target(
      name: "CBuildInfo", path: "CSupport/CBuildInfo",
      cSettings: shim + [.define("SLUICE_COMMIT", to: "\"\(commit)\"")]),
    .systemLibrary(
      name: "CPcap", path: "CSupport/CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    .systemLibrary(
      name: "CZlib", path: "CSupport/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Dataplane", dependencies: ["CLinuxPacket"], swiftSettings: hot),
    .target(name: "TrafficGenerator", dependencies: ["Dataplane"], swiftSettings: strict),
    .target(
      name: "PacketIO", dependencies: ["Dataplane", "TrafficGenerator", "CLinuxPacket", "CPcap", "CZlib"],
      swiftSettings: hot),
    .target(name: "Config", dependencies: ["Dataplane", "PacketIO", "Yams"], swiftSettings: strict),
    .target(
      name: "Gateway", dependencies: ["Config", "Dataplane", "PacketIO", "TrafficGenerator", "CLinuxPacket"],
      swiftSettings: strict),
    .testTarget(
      name: "DataplaneTests", dependencies: ["CLinuxPacket", "Dataplane", "FuzzTargets"],
      swiftSettings: warnings),
    .testTarget(
      name: "PacketIOTests", dependencies: ["PacketIO", "Dataplane", "CLinuxPacket"],
      swiftSettings: warnings),
    .testTarget(
      name: "ConfigTests", dependencies: ["Config", "Dataplane", "PacketIO"], swiftSettings: warnings),
    .testTarget(
      name: "GatewayTests",
      dependencies: ["Gateway", "Config", "Dataplane", "PacketIO", "TrafficGenerator"],
      swiftSettings: warnings),
    .testTarget(
      name: "TrafficGeneratorTests", dependencies: ["TrafficGenerator", "Dataplane", "PacketIO"],
      swiftSettings: warnings),
    .target(
      name: "FuzzTargets", dependencies: ["Config", "Dataplane", "PacketIO"], path: "Tests/Fuzz/Targets",
      swiftSettings: warnings),
    .testTarget(
      name: "RobustnessTests", dependencies: ["FuzzTargets", "Gateway", "Config", "Dataplane", "PacketIO"],
      swiftSettings: warnings),
    .executableTarget(
      name: "sluice-bench",
      dependencies: [
        "Dataplane", "CLinuxPacket",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Bench/Measure",
      swiftSettings: hot),
    .executableTarget(
      name: "allocation-gate",
      dependencies: ["Dataplane", "CMallocCount"],
      path: "Tests/Gates/AllocationGate",
      swiftSettings: strict),
  ] + api + fuzzer,
  swiftLanguageModes: [.v6]
)
