"""Credentials from a kubeconfig's auth-provider, by the `kubernetes` package, which takes long to import."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from kubernetes.aio import client, config  # type: ignore[import-untyped,unused-ignore]
from kubernetes.aio.config.config_exception import ConfigException  # type: ignore[import-untyped,unused-ignore]

from nbcontainer.errors import AuthFailed

if TYPE_CHECKING:
    from nbcontainer.clusters.authentication import Headers
    from nbcontainer.clusters.kubeconfig import Access
    from nbcontainer.clusters.kubeconfig_schema import AuthProvider

SUCCESSORS = {"gcp": "The exec plugin gke-gcloud-auth-plugin", "azure": "The exec plugin kubelogin"}


async def headers_of(access: Access, auth_provider: AuthProvider) -> Headers:
    """A credential from an auth provider that is built into clients; OpenID Connect is the only one left.

    Raises:
        AuthFailed: it returned none, or is one that Kubernetes has removed.
    """
    provider = auth_provider.name
    if provider != "oidc":
        cure = f"{SUCCESSORS[provider]} replaces it." if provider in SUCCESSORS else ""
        what = f"{access.origin}: kubectl no longer supports the auth provider {provider!r}."
        raise AuthFailed(what, host=access.server, status=0, cure=cure)
    configuration = client.Configuration()
    try:
        # we pass what we have read, because it would read the files that KUBECONFIG named when it was imported
        await config.load_kube_config_from_dict(  # type: ignore[no-untyped-call,unused-ignore]
            {
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
                "clusters": [{"name": "it", "cluster": {"server": access.server}}],
                "users": [{"name": "it", "user": {"auth-provider": asdict(auth_provider)}}],
            },
            context="it",
            client_configuration=configuration,
        )
    except (ConfigException, ValueError, OSError) as error:
        what = f"{access.origin}: the auth provider {provider!r} failed: {error}."
        cure = "Log in again, with the command that wrote this token into the kubeconfig."
        raise AuthFailed(what, host=access.server, status=0, cure=cure) from None
    token = configuration.api_key.get("BearerToken")
    return (("Authorization", str(token)),) if token else ()
