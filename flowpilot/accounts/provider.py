"""Signing in with Microsoft Entra: OpenID Connect, with what many tenants behind one address ask for beside it.

A person is linked by a signed-in click, or where their account lists the tenant and the name that this tenant vouches for is their address.
An address that nobody vouches for links nothing: Entra lets a tenant write any address into `email`.
"""

from uuid import UUID

import jwt
from allauth.account.internal.decorators import login_not_required
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.models import Account, User
from flowpilot.accounts.preferences import get_setting
from flowpilot.accounts.scope import account_scope

ID = "microsoft"
_TENANT_HOLE = "{tenantid}"


class MicrosoftAdapter(OpenIDConnectOAuth2Adapter):
    """Checks that an ID token is signed, ours, and issued by the very tenant it names."""

    def get_callback_url(self, request, app):
        return request.build_absolute_uri(reverse("microsoft_callback"))

    def _decode_id_token(self, app, id_token):
        try:
            tenant = str(UUID(str(jwt.decode(id_token, options={"verify_signature": False}).get("tid"))))
        except (jwt.PyJWTError, ValueError) as error:
            raise OAuth2Error("The ID token names no tenant.") from error
        return jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"].replace(_TENANT_HOLE, tenant),
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )


class MicrosoftProvider(OpenIDConnectProvider):
    id = ID
    name = "Microsoft"
    oauth2_adapter_class = MicrosoftAdapter

    def get_login_url(self, request, **kwargs):
        return reverse("microsoft_login")

    def get_callback_url(self):
        return reverse("microsoft_callback")

    def extract_uid(self, data):
        claims = data["id_token"]
        return f"{claims['tid']}:{claims['sub']}"

    def extract_extra_data(self, data):
        claims = data["id_token"]
        return {"id_token": {key: claims.get(key) for key in ("tid", "sub", "preferred_username", "name")}}


provider_classes = [MicrosoftProvider]


class SocialAdapter(DefaultSocialAccountAdapter):
    """Nobody comes in who was not invited, and nobody is linked by an address that no listed tenant vouches for."""

    def is_open_for_signup(self, request, sociallogin):
        return False

    def pre_social_login(self, request, sociallogin):
        if sociallogin.is_existing or request.user.is_authenticated:
            return
        user = _vouched_for(sociallogin.account.extra_data["id_token"])
        if user is None:
            raise ImmediateHttpResponse(render(request, "account/microsoft_unknown.html", status=403))
        sociallogin.connect(request, user)

    def send_notification_mail(self, *args, **kwargs):
        return None


def _vouched_for(claims: dict) -> User | None:
    name = str(claims.get("preferred_username") or "").strip().lower()
    user = User.objects.filter(email=name).exclude(account=None).first() if name else None
    if user is None or user.account_id is None:
        return None
    with account_scope(user.account_id):
        trusted = get_setting(Account.objects.get(pk=user.account_id), "sign_in.microsoft_tenants")
    return user if claims["tid"] in trusted else None


def _view(kind):
    @login_not_required
    @own_scope
    def answer(request):
        try:
            return kind.adapter_view(MicrosoftAdapter(request, ID))(request)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error

    return answer


login, callback = _view(OAuth2LoginView), _view(OAuth2CallbackView)
