internal import GRPCCore
internal import OPIProtos

extension RPCRouter {
  /// These services, and health and reflection over all of them.
  static func complete(_ services: [any RegistrableRPCService], _ health: HealthStatus) -> Self {
    var router = Self()
    for service in services { service.registerMethods(with: &router) }
    HealthService(health).registerMethods(with: &router)
    let names = Set(router.methods.map(\.service.fullyQualifiedService)).union(ReflectionService.names)
    ReflectionService(names.sorted()).registerMethods(with: &router)
    health.add(names)
    return router
  }
}
