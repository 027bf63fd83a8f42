# LemonLDAP::NG's portal, with the files its pages ask for.
use Plack::Builder;
use Lemonldap::NG::Portal::Main;

my $portal = Lemonldap::NG::Portal::Main->run({});

builder {
    enable "Plack::Middleware::Static", path => qr{^/static/}, root => '/usr/share/lemonldap-ng/portal/htdocs';
    enable "Plack::Middleware::Static", path => qr{^/javascript/}, root => '/usr/share';
    $portal;
};
