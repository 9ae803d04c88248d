app_name = "psa"
urlpatterns: list = []
