# Every library this project links, each found through pkg-config under the name PKG::<name>.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(payoutd_find name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  add_library(PKG::${name} ALIAS PkgConfig::${name})
endfunction()

payoutd_find(event libevent_core>=2.1.12)
payoutd_find(event_extra libevent_extra>=2.1.12)     # payout-sandbox: HTTP
payoutd_find(event_openssl libevent_openssl>=2.1.12) # payout-sandbox: TLS
payoutd_find(rdkafka rdkafka>=2.0.2)
payoutd_find(curl libcurl>=7.88.1)
payoutd_find(hiredis hiredis>=0.14.1)
payoutd_find(microhttpd libmicrohttpd>=0.9.75)
payoutd_find(yajl yajl>=2.1.0)
payoutd_find(xml2 libxml-2.0>=2.9.14)
payoutd_find(yaml yaml-0.1>=0.2.5)
payoutd_find(crypto libcrypto>=3.0)
payoutd_find(ssl libssl>=3.0)
if(PAYOUTD_TESTS)
  payoutd_find(cmocka cmocka>=1.1.5)
endif()
